package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.model.EmulatedDriver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The engine on the cuda back end (emulated driver): continuous batching, chunked prefill, greedy and sampled requests. */
class CudaEngineIT {
    private static final int MAX_TOKENS = 10;

    @BeforeEach
    void require() {
        EmulatedDriver.require();
    }

    private static EngineConfig config(int maxNumSeqs, int chunk) {
        return new EngineConfig(EngineRun.TINY, "cuda", 1, maxNumSeqs, chunk, 256, 0, true, 0, SamplingOptions.NONE);
    }

    @Test
    void tokensDontDependOnTheBatchAndBeginAsTheGoldens() {
        List<JsonNode> goldens = EngineRun.jsonl("goldens.jsonl").subList(0, 4);
        List<EngineRequest> requests = new ArrayList<>();
        for (int i = 0; i < goldens.size(); i++) {
            double temperature = i % 2 == 0 ? 0.0 : 0.8;
            requests.add(EngineRun.request(
                    "r" + i,
                    EngineRun.chat(goldens.get(i)),
                    EngineRun.sampling(MAX_TOKENS, temperature, 0.95, 7L + i)));
        }
        Map<String, EngineRun.Outcome> together;
        try (Engine engine =
                Engine.open(config(4, 16), new EngineMetrics())) { // prompts of 15 to 20 tokens: in two chunks
            together = EngineRun.run(engine, requests);
        }
        try (Engine engine = Engine.open(config(1, 64), new EngineMetrics())) {
            for (int i = 0; i < requests.size(); i++) {
                String id = requests.get(i).id();
                EngineEvent.Finished f = together.get(id).finished.get(0);
                assertThat(f.reason()).isEqualTo(FinishReason.LENGTH);
                assertThat(f.tokenIds()).hasSize(MAX_TOKENS);
                Map<String, EngineRun.Outcome> alone = EngineRun.run(engine, List.of(requests.get(i)));
                assertThat(alone.get(id).finished.get(0).tokenIds()).as(id).isEqualTo(f.tokenIds());
                if (i % 2 == 0) { // greedy
                    int[] golden = EngineRun.ints(goldens.get(i).get("completion_ids"));
                    assertThat(golden).as(id).startsWith(f.tokenIds());
                }
            }
        }
    }

    private static EngineRequest withLogprobs(int i, JsonNode row, double temperature) {
        SamplingOptions options = new SamplingOptions(
                6, null, temperature, 0.95, null, null, null, null, null, 7L + i, null, null, null, null, null, 3);
        return EngineRun.request("r" + i, EngineRun.chat(row), options);
    }

    private static Map<String, String> results(EngineConfig config, List<EngineRequest> requests) {
        Map<String, String> results = new TreeMap<>();
        try (Engine engine = Engine.open(config, new EngineMetrics())) {
            EngineRun.run(engine, requests).forEach((id, o) -> {
                StringBuilder text = new StringBuilder(o.deltaTokens.toString());
                o.logprobs
                        .get(0)
                        .forEach(p -> text.append(Arrays.toString(p.ids())).append(Arrays.toString(p.logprobs())));
                results.put(id, text.toString());
            });
        }
        return results;
    }

    /** Decode steps are captured, padded to buckets of 1, 2, 4 rows; with drafts they aren't, and every step is as large as it is. */
    @Test
    void capturedStepsHaveTheBitsOfStepsThatArent() {
        List<JsonNode> goldens = EngineRun.jsonl("goldens.jsonl").subList(0, 3);
        List<EngineRequest> requests = new ArrayList<>();
        for (int i = 0; i < goldens.size(); i++) {
            requests.add(withLogprobs(i, goldens.get(i), i == 1 ? 0.8 : 0.0));
        }
        EngineConfig drafting =
                new EngineConfig(EngineRun.TINY, "cuda", 1, 3, 64, 256, 0, true, 1, SamplingOptions.NONE);
        Map<String, String> uncaptured = results(drafting, requests);
        assertThat(results(config(8, 64), requests)).isEqualTo(uncaptured);
        if (Boolean.getBoolean("millrace.full")) {
            EngineConfig twoGroups = config(8, 64).withParallelism(new Parallelism(1, 2, true));
            assertThat(results(twoGroups, requests)).isEqualTo(uncaptured);
        }
    }
}
