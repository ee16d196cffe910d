package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The shipped model against its reference: the goldens that NumPy computed in f64, and the accuracy on held-out problems. */
class GoldensIT {
    @BeforeEach
    @AfterEach
    void reset() {
        TappedBackendProvider.reset();
    }

    @Test
    void everyGoldenTokenForToken() {
        TappedBackendProvider.keepRows = true;
        List<JsonNode> goldens = EngineRun.jsonl("goldens.jsonl");
        assertThat(goldens).hasSize(52);
        List<EngineRequest> requests = new ArrayList<>();
        for (int i = 0; i < goldens.size(); i++) {
            JsonNode g = goldens.get(i);
            requests.add(EngineRun.request(
                    g.get("id").asText() + "#" + i,
                    EngineRun.chat(g),
                    EngineRun.sampling(g.get("max_tokens").asInt(), 0.0, null, (long) i)));
        }
        Map<String, EngineRun.Outcome> outcomes;
        try (Engine engine = Engine.open(EngineRun.config(2, 64, 512, 0, 0), new EngineMetrics())) {
            outcomes = EngineRun.run(engine, requests);
        }
        for (int i = 0; i < goldens.size(); i++) {
            JsonNode g = goldens.get(i);
            EngineEvent.Finished f = Objects.requireNonNull(
                    outcomes.get(requests.get(i).id()).finished.get(0),
                    g.get("id").asText());
            assertThat(f.stats().promptTokenIds())
                    .as("prompt of %s", g.get("id"))
                    .isEqualTo(EngineRun.ints(g.get("prompt_ids")));
            int[] want = EngineRun.ints(g.get("completion_ids"));
            int upTo = g.get("close_steps").isEmpty()
                    ? want.length
                    : g.get("close_steps").get(0).asInt();
            assertThat(Arrays.copyOf(f.tokenIds(), upTo))
                    .as("ids of %s", g.get("id"))
                    .isEqualTo(Arrays.copyOf(want, upTo));
            assertThat(f.tokenIds()).hasSameSizeAs(want);
            assertThat(f.text()).isEqualTo(g.get("text").asText());
            assertThat(f.reason().wireName()).isEqualTo(g.get("finish_reason").asText());
            assertTopLogits(g, i);
        }
    }

    private static void assertTopLogits(JsonNode golden, int seed) {
        for (int step = 0; step < golden.get("top5").size(); step++) {
            float[] row = Objects.requireNonNull(TappedBackendProvider.ROWS.get(seed + "/0/" + step));
            for (JsonNode pair : golden.get("top5").get(step)) {
                assertThat((double) row[pair.get(0).asInt()])
                        .as("logit %s of step %s of %s", pair.get(0), step, golden.get("id"))
                        .isCloseTo(pair.get(1).asDouble(), org.assertj.core.data.Offset.offset(2e-3));
            }
        }
    }

    @Test
    void greedyAccuracyOfTheReference() {
        List<JsonNode> problems = EngineRun.jsonl("eval.jsonl");
        assertThat(problems).hasSize(1100);
        List<EngineRequest> requests = new ArrayList<>();
        for (int i = 0; i < problems.size(); i++) {
            requests.add(EngineRun.request(
                    "p" + i, EngineRun.chat(problems.get(i)), EngineRun.sampling(220, 0.0, null, (long) i)));
        }
        int correct = 0;
        try (Engine engine = Engine.open(EngineRun.config(2, 64, 512, 0, 0), new EngineMetrics())) {
            Map<String, EngineRun.Outcome> outcomes = EngineRun.run(engine, requests);
            for (int i = 0; i < problems.size(); i++) {
                String text = outcomes.get("p" + i).finished.get(0).text();
                int box = text.lastIndexOf("\\boxed{");
                String answer = box < 0 ? "" : text.substring(box + 7, Math.max(box + 7, text.indexOf('}', box)));
                correct += answer.equals(problems.get(i).get("answer").asText()) ? 1 : 0;
            }
        }
        System.out.printf("eval.jsonl: %d of %d correct%n", correct, problems.size());
        // The reference answers 96.4 % of these.
        assertThat(100.0 * correct / problems.size()).isBetween(95.4, 97.4);
    }
}
