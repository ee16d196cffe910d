package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.EngineEvent.SampleStats;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.FinishReason;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.ServedModel;
import io.millrace.engine.TokenLogprobs;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionAvro;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptAvro;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompletionEncoderTest {
    private static final ServedModel MODEL =
            new ServedModel("tiny-r1", "c0ffee", "cpu", "tp1", 4096, SamplingOptions.NONE, null);
    private static final byte[] HALF_EURO = {(byte) 0xE2, (byte) 0x82};
    private static final Vocabulary VOCABULARY =
            new Vocabulary(1000, id -> id == 5 ? HALF_EURO : FakeEngine.tokenBytes(id));

    private double perSample;
    private final PromptDecoder decoder = new PromptDecoder(TestRecords.settings(1, 1));
    private final PromptValidator validator = new PromptValidator(MODEL, VOCABULARY, ServingSettings.PLAIN);
    private final CompletionEncoder encoder = new CompletionEncoder(
            MODEL, VOCABULARY, 1 << 20, Clock.fixed(Instant.ofEpochSecond(1_700_000_123), ZoneOffset.UTC));

    @Test
    void chatIsAnsweredAsChat() {
        WireRecord out = encode("{\"id\":\"q\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"user\":\"u\","
                + "\"metadata\":{\"a\":\"b\"},\"temperature\":0.6,\"seed\":9}");
        JsonNode json = TestRecords.json(out);
        assertThat(json.get("id").asText()).isEqualTo("q");
        assertThat(json.get("object").asText()).isEqualTo("chat.completion");
        assertThat(json.get("created").asLong()).isEqualTo(1_700_000_123);
        assertThat(json.get("model").asText()).isEqualTo("tiny-r1");
        assertThat(json.get("user").asText()).isEqualTo("u");
        assertThat(json.at("/metadata/a").asText()).isEqualTo("b");
        assertThat(json.at("/choices/0/message/content").asText()).isEqualTo("answer 0");
        assertThat(json.at("/choices/0/message/reasoning_content").asText()).isEqualTo("thought 0");
        assertThat(json.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(json.at("/choices/0/logprobs").isNull()).isTrue();
        assertThat(json.at("/choices/0/token_ids").isMissingNode()).isTrue();
        assertThat(json.at("/prompt_token_ids").isMissingNode()).isTrue();
        JsonNode provenance = json.get("provenance");
        assertThat(provenance.get("model_hash").asText()).isEqualTo("c0ffee");
        assertThat(provenance.get("engine_version").asText()).matches("[0-9]+\\.[0-9]+.*");
        assertThat(provenance.get("backend").asText()).isEqualTo("cpu");
        assertThat(provenance.get("plan").asText()).isEqualTo("tp1");
        assertThat(provenance.get("seed").asLong()).isEqualTo(9);
        assertThat(provenance.get("ttft_ms").asDouble()).isEqualTo(3.0);
        assertThat(provenance.get("source").asText()).isEqualTo("prompts-3-7");
        assertThat(provenance.at("/sampling/temperature").asDouble()).isEqualTo(0.6);
    }

    @Test
    void aBatchLineIsAnsweredAsABatchLine() {
        JsonNode json = TestRecords.json(encode("{\"custom_id\":\"c-1\",\"method\":\"POST\",\"url\":"
                + "\"/v1/chat/completions\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}}"));
        assertThat(json.get("custom_id").asText()).isEqualTo("c-1");
        assertThat(json.at("/response/status_code").asInt()).isEqualTo(200);
        assertThat(json.at("/response/body/choices/0/message/content").asText()).isEqualTo("answer 0");
    }

    @Test
    void anAvroPromptIsAnsweredInAvro() throws Exception {
        WireRecord record = TestRecords.prompt("q", 7, ",\"return_token_ids\":true,\"n\":2");
        record.value = PromptAvro.encode(decoder.decode(record));
        record.headers.add(new WireRecord.Header("content-type", "application/avro".getBytes(StandardCharsets.UTF_8)));
        WireRecord out = encoder.encode(finished(record));
        Completion completion = CompletionAvro.decode(out.value);
        assertThat(completion.id()).isEqualTo("q");
        assertThat(completion.choices()).hasSize(2);
        assertThat(completion.choices().get(1).tokenIds()).containsExactly(5, 6, 1);
        assertThat(completion.promptTokenIds()).containsExactly(0, 8);
        assertThat(TestRecords.header(out, "content-type")).isEqualTo("application/avro");
    }

    @Test
    void usageCountsThePromptOnceAndAllSamples() {
        JsonNode json = TestRecords.json(encode("{\"prompt\":\"x\",\"n\":3,\"return_token_ids\":true}"));
        assertThat(json.at("/usage/prompt_tokens").asInt()).isEqualTo(2);
        assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(9);
        assertThat(json.at("/usage/total_tokens").asInt()).isEqualTo(11);
        assertThat(json.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                .isEqualTo(1);
        assertThat(json.at("/usage/completion_tokens_details/reasoning_tokens").asInt())
                .isEqualTo(6);
        assertThat(json.at("/prompt_token_ids").toString()).isEqualTo("[0,8]");
        assertThat(json.at("/choices/2/token_ids").toString()).isEqualTo("[5,6,1]");
        assertThat(json.at("/choices/2/text").asText()).isEqualTo("thought 2 answer 2");
    }

    @Test
    void logprobsCarryTextAndBytesOfEachToken() {
        JsonNode content = TestRecords.json(encode("{\"prompt\":\"x\",\"logprobs\":true,\"top_logprobs\":2}"))
                .at("/choices/0/logprobs/content");
        assertThat(content).hasSize(3);
        JsonNode first = content.get(0);
        assertThat(first.get("token").asText()).isEqualTo("\uFFFD");
        assertThat(first.get("token_id").asInt()).isEqualTo(5);
        assertThat(first.get("bytes").toString()).isEqualTo("[226,130]");
        assertThat(first.get("logprob").floatValue()).isEqualTo(-0.5f);
        assertThat(first.get("top_logprobs")).hasSize(2);
        assertThat(first.at("/top_logprobs/0/token").asText()).isEqualTo("t6 ");
        assertThat(first.at("/top_logprobs/0/logprob").floatValue()).isEqualTo(-0.25f);
        assertThat(first.at("/top_logprobs/1/token_id").asInt()).isEqualTo(5);
    }

    @Test
    void samplingHasAFixedOrder() {
        SamplingParams params = new SamplingParams(
                7,
                1,
                0.6,
                0.95,
                40,
                0.05,
                0.1,
                0.2,
                1.1,
                3,
                2,
                List.of("x"),
                List.of(4),
                true,
                Map.of(20, 1.0, 3, -1.0, 100, 2.0),
                5);
        Map<String, Object> sampling = CompletionEncoder.sampling(params);
        assertThat(sampling.toString())
                .isEqualTo("{max_tokens=7, min_tokens=1, temperature=0.6, top_p=0.95, top_k=40, min_p=0.05,"
                        + " presence_penalty=0.1, frequency_penalty=0.2, repetition_penalty=1.1, n=2, stop=[x],"
                        + " stop_token_ids=[4], ignore_eos=true, logit_bias={3=-1.0, 20=1.0, 100=2.0},"
                        + " logprobs=true, top_logprobs=5}");
    }

    @Test
    void headersOfADeadLetterDoNotReachTheCompletion() {
        WireRecord record = TestRecords.prompt("q", 7, "");
        record.headers.add(new WireRecord.Header("__llm.errors.attempt", new byte[] {'1'}));
        assertThat(encoder.encode(finished(record)).headers)
                .extracting(h -> h.name)
                .containsExactly("traceparent");
    }

    private WireRecord encode(String value) {
        return encoder.encode(finished(TestRecords.record(7, value)));
    }

    @Test
    void bestOfReturnsTheLikeliestSamplesBestFirst() {
        perSample = -1.0;
        WireRecord record = TestRecords.record(7, "{\"prompt\":\"x\",\"n\":2,\"best_of\":4}");
        InFlightRequest request = finished(record);
        Collections.swap(request.entry.samples(), 1, 3); // now sample 3 is likelier than 2 and 1
        JsonNode json = TestRecords.json(encoder.encode(request));
        assertThat(json.get("choices")).hasSize(2);
        assertThat(json.at("/choices/0/index").asInt()).isZero();
        assertThat(json.at("/choices/0/message/content").asText()).isEqualTo("answer 0");
        assertThat(json.at("/choices/1/index").asInt()).isEqualTo(1);
        assertThat(json.at("/choices/1/message/content").asText()).isEqualTo("answer 1");
        assertThat(json.at("/choices/0/logprobs").isNull()).isTrue();
        assertThat(json.at("/usage/completion_tokens").asInt()).isEqualTo(12);
        assertThat(json.at("/provenance/sampling/n").asInt()).isEqualTo(2);
        assertThat(json.at("/provenance/sampling/best_of").asInt()).isEqualTo(4);
        assertThat(json.at("/provenance/sampling/logprobs").asBoolean()).isFalse();
        JsonNode likely = TestRecords.json(encode("{\"prompt\":\"x\",\"best_of\":3,\"logprobs\":true}"));
        assertThat(likely.get("choices")).hasSize(1);
        assertThat(likely.at("/choices/0/logprobs/content")).hasSize(3);
    }

    @Test
    void echoPutsThePromptAheadOfTheText() {
        assertThat(text("{\"prompt\":\"Once upon\",\"echo\":true}")).isEqualTo("Once uponthought 0 answer 0");
        assertThat(text("{\"prompt\":[7,8],\"echo\":true}")).isEqualTo("t7 t8 thought 0 answer 0");
        assertThat(text("{\"prompt\":\"Once upon\"}")).isEqualTo("thought 0 answer 0");
    }

    private String text(String prompt) {
        return TestRecords.json(encode(prompt)).at("/choices/0/text").asText();
    }

    /** All samples have drawn 5, 6 and the end token 1; each is less likely than the one before by {@link #perSample}. */
    private InFlightRequest finished(WireRecord record) {
        Prompt prompt = decoder.decode(record);
        EngineRequest request = validator.validate(prompt, record);
        int[] ids = {5, 6, 1};
        List<SampleProgress> samples = new ArrayList<>();
        for (int i = 0; i < request.params().n(); i++) {
            SampleStats stats = new SampleStats(new int[] {0, 8}, 1 + i, 0, 0, 10 + i, 5 + i, 3_000_000 + i, 9_000_000);
            List<TokenLogprobs> logprobs = List.of(
                    new TokenLogprobs(new int[] {5, 6, 5}, new float[] {(float) (-0.5 + perSample * i), -0.25f, -0.5f}),
                    new TokenLogprobs(new int[] {6, 6, 7}, new float[] {-0.1f, -0.1f, -4}),
                    new TokenLogprobs(new int[] {1, 1, 7}, new float[] {-0.1f, -0.1f, -4}));
            samples.add(new SampleProgress(
                    ids,
                    logprobs,
                    new Finished(
                            i,
                            FinishReason.STOP,
                            "thought " + i,
                            "answer " + i,
                            "thought " + i + " answer " + i,
                            ids,
                            2,
                            stats)));
        }
        return new InFlightRequest(
                new JournalEntry(record, JournalEntry.NO_TIMESTAMP, "c0ffee", request.params(), samples),
                prompt,
                request);
    }
}
