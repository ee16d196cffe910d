package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ChatMessage;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.PromptInput;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.ServedModel;
import io.millrace.engine.structure.Structure;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptValidatorTest {
    private static final SamplingOptions DEFAULTS = new SamplingOptions(
            null, null, 0.6, 0.95, null, null, null, null, null, null, null, null, null, null, null, null);

    // printf q-1 | sha256sum: the first 16 digits
    private static final long Q1_SEED = 0x8a3e90ba8a519e1eL;

    private final PromptDecoder decoder = new PromptDecoder(TestRecords.settings(1, 1));
    private final PromptValidator validator = new PromptValidator(
            new ServedModel("tiny-r1", "hash", "cpu", "tp1", 4096, DEFAULTS, null),
            new Vocabulary(1000, FakeEngine::tokenBytes),
            ServingSettings.PLAIN);

    @Test
    void aRequestGoesBeforeDefaultsAndTheseBeforeTheTable() {
        SamplingParams params = validate("{\"prompt\":\"x\",\"temperature\":0.1,\"max_tokens\":9}")
                .params();
        assertThat(params.temperature()).isEqualTo(0.1);
        assertThat(params.topP()).isEqualTo(0.95);
        assertThat(params.minP()).isZero();
        assertThat(params.maxTokens()).isEqualTo(9);
        assertThat(params.topLogprobs()).isEqualTo(-1);
        assertThat(params.n()).isEqualTo(1);
    }

    @Test
    void logprobsAloneMeanThoseOfTheSampledToken() {
        assertThat(validate("{\"prompt\":\"x\",\"logprobs\":true}").params().topLogprobs())
                .isZero();
        assertThat(validate("{\"prompt\":\"x\",\"logprobs\":true,\"top_logprobs\":5}")
                        .params()
                        .topLogprobs())
                .isEqualTo(5);
        assertThat(validate("{\"prompt\":\"x\",\"logprobs\":false}").params().topLogprobs())
                .isEqualTo(-1);
    }

    @Test
    void aStructureGoesToTheEngine() {
        assertThat(validate("{\"prompt\":\"x\",\"guided_choice\":[\"a\",\"b\"]}")
                        .structure())
                .isEqualTo(new Structure(Structure.Kind.CHOICE, "", List.of("a", "b")));
        assertThat(validate("{\"prompt\":\"x\",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
                                + "{\"schema\":{\"type\":\"null\"}}}}")
                        .structure())
                .isEqualTo(Structure.of(Structure.Kind.JSON_SCHEMA, "{\"type\":\"null\"}"));
        assertThat(validate("{\"prompt\":\"x\"}").structure()).isNull();
    }

    @Test
    void idIsItsOwnThenTheKeyThenThePlace() {
        assertThat(validate("{\"prompt\":\"x\",\"id\":\"mine\"}").id()).isEqualTo("mine");
        assertThat(validate("{\"prompt\":\"x\",\"custom_id\":\"batch\"}").id()).isEqualTo("batch");
        assertThat(validate("{\"prompt\":\"x\"}").id()).isEqualTo("key-7");
        WireRecord record = TestRecords.record(7, "{\"prompt\":\"x\"}");
        record.key = new byte[] {(byte) 0xC3}; // half a character
        assertThat(validate(record).id()).isEqualTo("prompts-3-7");
        record.key = null;
        assertThat(validate(record).id()).isEqualTo("prompts-3-7");
        record.partition = -1;
        assertThat(validate(record).id()).isEqualTo("prompts:7");
    }

    @Test
    void aKeyThatIsTooLongForAnIdIsRefused() {
        WireRecord record = TestRecords.record(7, "{\"prompt\":\"x\"}");
        record.key = "é".repeat(128).getBytes(StandardCharsets.UTF_8);
        assertThat(validate(record).id()).hasSize(128);
        record.key = "é".repeat(129).getBytes(StandardCharsets.UTF_8);
        assertRejected(record, "id has 258 bytes but the limit is 256: give a shorter id, custom_id or key");
    }

    @Test
    void seedIsTheHashOfTheIdIfNoneIsGiven() {
        assertThat(PromptValidator.seedOf("q-1")).isEqualTo(Q1_SEED);
        assertThat(validate("{\"prompt\":\"x\",\"id\":\"q-1\"}").params().seed())
                .isEqualTo(Q1_SEED);
        assertThat(validate("{\"prompt\":\"x\",\"id\":\"q-1\",\"seed\":3}")
                        .params()
                        .seed())
                .isEqualTo(3);
    }

    @Test
    void messagesBecomeAConversation() {
        EngineRequest request = validate(
                "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}],\"priority\":4}");
        assertThat(request.prompt())
                .isEqualTo(new PromptInput.Chat(List.of(
                        new ChatMessage(ChatMessage.Role.SYSTEM, "a"), new ChatMessage(ChatMessage.Role.USER, "b"))));
        assertThat(request.terms().priority()).isEqualTo(4);
        assertThat(request.keptTokens()).isNull();
    }

    @Test
    void textAndIdsStayWhatTheyAre() {
        assertThat(validate("{\"prompt\":\"<｜User｜>\",\"raw\":true}").prompt())
                .isEqualTo(new PromptInput.Text("<｜User｜>", true));
        assertThat(validate("{\"prompt\":[1,999]}").prompt())
                .asInstanceOf(InstanceOfAssertFactories.type(PromptInput.Tokens.class))
                .satisfies(t -> assertThat(t.ids()).containsExactly(1, 999));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "model":"gpt-4"                   | model is "gpt-4" but "tiny-r1" is served: leave it out or ask for that
            "temperature":-0.5                | temperature is -0.5 but must be from 0.0 to 100.0
            "top_p":0                         | top_p is 0.0 but must be above 0 and at most 1.0
            "n":129                           | n is 129 but must be from 1 to 128
            "max_tokens":0                    | max_tokens is 0 but must be at least 1
            "logprobs":true,"top_logprobs":21 | top_logprobs is 21 but must be from 0 to 20
            "logprobs":true,"top_logprobs":-1 | top_logprobs is -1 but must be from 0 to 20
            "stop_token_ids":[1000]           | stop_token_ids has token id 1000 but the vocabulary ends at 999
            "logit_bias":{"1000":1}           | logit_bias has token id 1000 but the vocabulary ends at 999
            "logit_bias":{"5":101}            | logit_bias of token 5 is 101.0 but must be from -100 to 100
            "best_of":2,"n":3                 | best_of is 2 but must be from n, which is 3, to 128
            "best_of":129                     | best_of is 129 but must be from n, which is 1, to 128
            "deadline_ms":0                   | deadline_ms is 0 but must be at least 1
            """)
    void refusesWhatItCannotMean(String fields, String message) {
        assertRejected(TestRecords.record(1, "{\"prompt\":\"x\"," + fields + "}"), message);
    }

    @Test
    void bestOfAsksTheEngineForThatManySamplesWithTheirLogprobs() {
        SamplingParams params =
                validate("{\"prompt\":\"x\",\"n\":2,\"best_of\":5}").params();
        assertThat(params.n()).isEqualTo(5);
        assertThat(params.topLogprobs()).isZero();
        assertThat(validate("{\"prompt\":\"x\",\"best_of\":5,\"logprobs\":true,\"top_logprobs\":3}")
                        .params()
                        .topLogprobs())
                .isEqualTo(3);
    }

    @Test
    void refusesTokenIdsOutsideTheVocabulary() {
        assertRejected(
                TestRecords.record(1, "{\"prompt\":[5,1000]}"),
                "prompt has token id 1000 but the vocabulary ends at 999");
    }

    @Test
    void theServedNameMayBeAskedFor() {
        assertThat(validate("{\"prompt\":\"x\",\"model\":\"tiny-r1\"}").id()).isEqualTo("key-7");
        assertThat(validate("{\"prompt\":\"x\",\"model\":\"\"}").id()).isEqualTo("key-7");
    }

    private EngineRequest validate(String value) {
        return validate(TestRecords.record(7, value));
    }

    private EngineRequest validate(WireRecord record) {
        return validator.validate(decoder.decode(record), record);
    }

    private void assertRejected(WireRecord record, String message) {
        assertThatThrownBy(() -> validate(record))
                .hasMessage(message)
                .asInstanceOf(InstanceOfAssertFactories.type(RejectedException.class))
                .returns(Stage.VALIDATE, RejectedException::stage);
    }
}
