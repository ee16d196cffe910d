package io.millrace.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptJsonTest {
    static final String EVERYTHING = """
            {"id":"q-1","model":"tiny-r1","messages":[{"role":"developer","content":"be brief"},
             {"role":"user","content":[{"type":"text","text":"6·7"},{"type":"text","text":"=?"}]},
             {"role":"assistant","content":"42 😀"},{"content":"","role":"user"}],
             "max_completion_tokens":1000,"min_tokens":2,"temperature":0.6,"top_p":0.95,"top_k":-1,"min_p":0,
             "presence_penalty":0.5,"frequency_penalty":-0.5,"repetition_penalty":1.1,"seed":-9223372036854775808,
             "n":2,"stop":["\\n\\n","END"],"stop_token_ids":[1,2],"ignore_eos":true,"logit_bias":{"17":-100,"5":1.5},
             "logprobs":true,"top_logprobs":3,"return_token_ids":true,"stream":true,"priority":-3,
             "deadline_ms":90000000000,"tenant":"t","user":"u","metadata":{"b":"1","a":"2"},
             "tools":[],"tool_choice":"auto","response_format":{"type":"text"},"echo":false,"best_of":1,"audio":null}
            """;

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static Prompt decode(String json) throws WireException {
        return PromptJson.decode(utf8(json), WireLimits.DEFAULT, false);
    }

    @Test
    void readsEveryFieldOfAChatRequest() throws WireException {
        Prompt p = PromptJson.decode(utf8(EVERYTHING), WireLimits.DEFAULT, true);

        assertThat(p.form()).isEqualTo(Prompt.Form.CHAT);
        assertThat(p.id()).isEqualTo("q-1");
        assertThat(p.customId()).isNull();
        assertThat(p.model()).isEqualTo("tiny-r1");
        assertThat(p.messages())
                .containsExactly(
                        new Prompt.Message("system", "be brief"),
                        new Prompt.Message("user", "6·7=?"),
                        new Prompt.Message("assistant", "42 😀"),
                        new Prompt.Message("user", ""));
        assertThat(p.text()).isNull();
        assertThat(p.tokenIds()).isNull();
        assertThat(p.sampling())
                .isEqualTo(new Prompt.Sampling(
                        1000,
                        2,
                        0.6,
                        0.95,
                        -1,
                        0.0,
                        0.5,
                        -0.5,
                        1.1,
                        Long.MIN_VALUE,
                        2,
                        List.of("\n\n", "END"),
                        List.of(1, 2),
                        true,
                        Map.of(17, -100.0, 5, 1.5),
                        true,
                        3));
        assertThat(p.sampling().logitBias().keySet()).containsExactly(17, 5);
        assertThat(p.returnTokenIds()).isTrue();
        assertThat(p.isStream()).isTrue();
        assertThat(p.priority()).isEqualTo(-3);
        assertThat(p.isEcho()).isFalse();
        assertThat(p.bestOf()).isNull();
        assertThat(decode("{\"prompt\":\"x\",\"echo\":true,\"best_of\":3}").bestOf())
                .isEqualTo(3);
        assertThat(decode("{\"prompt\":\"x\",\"echo\":true,\"best_of\":3}").isEcho())
                .isTrue();
        assertThat(p.deadlineMs()).isEqualTo(90_000_000_000L);
        assertThat(p.tenant()).isEqualTo("t");
        assertThat(p.user()).isEqualTo("u");
        assertThat(p.metadata()).containsExactly(Map.entry("b", "1"), Map.entry("a", "2"));
        assertThat(p.unknownFields()).isEmpty();
    }

    @Test
    void whatIsNotSaidIsNull() throws WireException {
        Prompt p = decode("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");

        assertThat(p.id()).isNull();
        assertThat(p.sampling())
                .isEqualTo(new Prompt.Sampling(
                        null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
                        null));
        assertThat(p.priority()).isZero();
        assertThat(p.isRaw()).isFalse();
        assertThat(p.isStream()).isFalse();
        assertThat(p.metadata()).isEmpty();
    }

    /** Clients write null for "not said". */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "id",
                "custom_id",
                "model",
                "raw",
                "return_token_ids",
                "stream",
                "priority",
                "deadline_ms",
                "tenant",
                "user",
                "metadata",
                "max_tokens",
                "max_completion_tokens",
                "min_tokens",
                "temperature",
                "top_p",
                "top_k",
                "min_p",
                "presence_penalty",
                "frequency_penalty",
                "repetition_penalty",
                "seed",
                "n",
                "stop",
                "stop_token_ids",
                "ignore_eos",
                "logit_bias",
                "logprobs",
                "top_logprobs",
                "tools",
                "tool_choice",
                "functions",
                "function_call",
                "response_format",
                "guided_json",
                "guided_regex",
                "guided_choice",
                "guided_grammar",
                "modalities",
                "echo",
                "best_of",
                "suffix",
                "audio",
                "images",
                "prediction"
            })
    void nullIsTheSameAsNotSaid(String field) throws WireException {
        Prompt with = PromptJson.decode(utf8("{\"" + field + "\":null,\"prompt\":\"x\"}"), WireLimits.DEFAULT, true);

        assertThat(with).isEqualTo(decode("{\"prompt\":\"x\"}"));
    }

    @Test
    void readsRawText() throws WireException {
        Prompt p = decode("{\"id\":\"r\",\"prompt\":\"<｜User｜>hi\",\"raw\":true}");

        assertThat(p.form()).isEqualTo(Prompt.Form.RAW);
        assertThat(p.text()).isEqualTo("<｜User｜>hi");
        assertThat(p.isRaw()).isTrue();
        assertThat(p.messages()).isNull();
    }

    @Test
    void readsTokenIds() throws WireException {
        StringBuilder json = new StringBuilder("{\"prompt\":[0");
        for (int i = 1; i < 1000; i++) {
            json.append(", ").append(i);
        }
        Prompt p = decode(json.append("]}").toString());

        assertThat(p.form()).isEqualTo(Prompt.Form.RAW);
        assertThat(p.text()).isNull();
        assertThat(p.tokenIds()).hasSize(1000).startsWith(0, 1, 2).endsWith(998, 999);
    }

    @Test
    void aStopStringIsAListOfOne() throws WireException {
        assertThat(decode("{\"prompt\":\"x\",\"stop\":\"\\n\"}").sampling().stop())
                .containsExactly("\n");
    }

    @Test
    void bothNamesOfTheLimitMayAgree() throws WireException {
        assertThat(decode("{\"prompt\":\"x\",\"max_tokens\":7,\"max_completion_tokens\":7}")
                        .sampling()
                        .maxTokens())
                .isEqualTo(7);
    }

    @Test
    void aPlainPromptsCustomIdIsItsIdUnlessItHasOne() throws WireException {
        assertThat(decode("{\"prompt\":\"x\",\"custom_id\":\"c\"}").id()).isEqualTo("c");
        assertThat(decode("{\"prompt\":\"x\",\"custom_id\":\"c\",\"id\":\"i\"}").id())
                .isEqualTo("i");
        assertThat(decode("{\"prompt\":\"x\",\"custom_id\":\"c\"}").customId()).isNull();
    }

    @Test
    void escapedPairsAreCharacters() throws WireException {
        assertThat(decode("{\"prompt\":\"\\ud83d\\ude00\\u0000\"}").text()).isEqualTo("😀\0");
    }

    @Test
    void unknownFieldsAreNamedAndIgnored() throws WireException {
        Prompt p = decode("""
                {"a":1e999,"b":{"c":[{"d":null}]},"messages":[{"role":"user","content":"x","name":"Ann"},
                 {"role":"user","content":[{"type":"text","text":"x","cache":1}],"name":"Bob"}],"url":"http://x"}
                """);

        assertThat(p.unknownFields()).containsExactly("a", "b", "messages[].name", "messages[].content[].cache", "url");
    }

    @Test
    void onlyEightUnknownFieldsAreNamed() throws WireException {
        StringBuilder json = new StringBuilder("{\"prompt\":\"x\"");
        for (int i = 0; i < 1000; i++) {
            json.append(",\"u").append(i).append("\":").append(i);
        }

        assertThat(decode(json.append('}').toString()).unknownFields())
                .containsExactly("u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'prompt':'x','extra':1} | extra",
                "{'messages':[{'role':'user','content':'x','name':'Ann'}]} | messages[0].name",
                "{'custom_id':'c','body':{'messages':[{'role':'user','content':'x'}],'extra':1}} | body.extra",
                "{'custom_id':'c','extra':1,'body':{'messages':[{'role':'user','content':'x'}]}} | extra"
            })
    void strictRefusesUnknownFields(String json, String field) throws WireException {
        byte[] value = utf8(json.replace('\'', '"'));
        PromptJson.decode(value, WireLimits.DEFAULT, false);

        WireException e =
                catchThrowableOfType(WireException.class, () -> PromptJson.decode(value, WireLimits.DEFAULT, true));

        assertThat(e.field()).isEqualTo(field);
        assertThat(e).hasMessageContaining("is not a known field: remove it or run without strict");
    }

    @Test
    void readsABatchLine() throws WireException {
        Prompt p = PromptJson.decode(utf8("""
                        {"custom_id":"c-1","method":"POST","url":"/v1/chat/completions",
                         "body":{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":5}}
                        """), WireLimits.DEFAULT, true);

        assertThat(p.form()).isEqualTo(Prompt.Form.BATCH);
        assertThat(p.id()).isEqualTo("c-1");
        assertThat(p.customId()).isEqualTo("c-1");
        assertThat(p.model()).isEqualTo("m");
        assertThat(p.messages()).containsExactly(new Prompt.Message("user", "x"));
        assertThat(p.sampling().maxTokens()).isEqualTo(5);
    }

    @Test
    void aBatchBodyMayComeFirstAndHaveItsOwnId() throws WireException {
        Prompt p = decode("{\"body\":{\"id\":\"i\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"z\":0},"
                + "\"y\":0,\"custom_id\":\"c\"}");

        assertThat(p.id()).isEqualTo("i");
        assertThat(p.customId()).isEqualTo("c");
        assertThat(p.unknownFields()).containsExactly("body.z", "y");
    }

    @Test
    void limitsAreInclusive() throws WireException {
        WireLimits limits = new WireLimits(400, 4, 2, 6, 2);
        String atLimits = "{\"id\":\"ab😀\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
                + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"y\"}]}],"
                + "\"metadata\":{\"a\":\"1\",\"b\":\"2\"},\"logit_bias\":{\"1\":1,\"2\":2}}";
        byte[] value = utf8(atLimits + " ".repeat(400 - utf8(atLimits).length));
        // array in message in array in object would be 4 levels, the part is the fifth
        WireException e = catchThrowableOfType(WireException.class, () -> PromptJson.decode(value, limits, true));
        assertThat(e).hasMessageContaining("is nested deeper than 4 levels");

        Prompt p = PromptJson.decode(value, new WireLimits(400, 5, 2, 6, 2), true);

        assertThat(p.id()).isEqualTo("ab😀");
        assertThat(p.messages()).hasSize(2);
        assertThat(p.metadata()).hasSize(2);
    }

    @Test
    void aProgramIsKeptAsItStands() throws WireException {
        Prompt p = decode("{\"id\":\"p\",\"program\": [ {\"gen\":\"a\" , \"x\":[1]} ],\"seed\":4}");
        assertThat(p.form()).isEqualTo(Prompt.Form.CHAT);
        assertThat(p.program()).isEqualTo("[ {\"gen\":\"a\" , \"x\":[1]} ]");
        assertThat(p.messages()).isNull();
        assertThat(decode("{\"program\":null,\"prompt\":\"x\"}").program()).isNull();
        Prompt line = decode("{\"custom_id\":\"c\",\"body\":{\"program\":[{\"gen\":\"a\"}]}}");
        assertThat(line.form()).isEqualTo(Prompt.Form.BATCH);
        assertThat(line.program()).isEqualTo("[{\"gen\":\"a\"}]");
    }
}
