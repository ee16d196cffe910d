package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.model.ProgressListener;
import io.millrace.engine.model.RandomWeights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Models of other families in small, through the whole engine: prompts together in one batch, in chunks, twice (the second time from
 * the prefix cache), with drafts where the model has an MTP layer. Always the reference's tokens.
 */
class ShapesEngineIT {
    private static final Path SHAPES = Path.of("..", "models", "shapes");

    private static final int END_ID = 1;

    private @TempDir Path parent;

    @ParameterizedTest
    @CsvSource({"v2-lite, 0", "moonlight, 0", "v3-bf16, 0", "v3-bf16, 2", "v3.1, 1"})
    void servesTheReferencesTokens(String name, int draftTokens) throws Exception {
        Path folder = parent.resolve(name);
        String json = Files.readString(SHAPES.resolve(name).resolve("config.json"));
        RandomWeights.write(folder, json, 3, Long.MAX_VALUE, ProgressListener.NONE);
        List<int[]> want = new ArrayList<>();
        List<EngineRequest> requests = new ArrayList<>();
        List<String> lines = Files.readAllLines(SHAPES.resolve(name).resolve("goldens.jsonl"));
        for (String line : lines.subList(1, lines.size())) { // the first has the weights' digest
            JsonNode golden = new ObjectMapper().readTree(line);
            int[] ids = EngineRun.ints(golden.get("completion_ids"));
            int end = IntStream.range(0, ids.length)
                    .filter(i -> ids[i] == END_ID)
                    .findFirst()
                    .orElse(ids.length - 1);
            want.add(Arrays.copyOf(ids, end + 1)); // the reference goes on behind the end of sequence
            requests.add(EngineRun.request(
                    "p" + requests.size(),
                    new PromptInput.Tokens(EngineRun.ints(golden.get("prompt_ids"))),
                    EngineRun.sampling(ids.length, 0.0, null, 1L)));
        }
        EngineMetrics metrics = new EngineMetrics();
        EngineConfig config = new EngineConfig(folder, "cpu", 2, 4, 64, 0, 0, true, draftTokens, SamplingOptions.NONE);
        try (Engine engine = Engine.open(config, metrics)) {
            for (int round = 0; round < 2; round++) {
                Map<String, EngineRun.Outcome> outcomes = EngineRun.run(engine, requests);
                for (int i = 0; i < want.size(); i++) {
                    assertThat(outcomes.get("p" + i).finished.get(0).tokenIds())
                            .as("round %d, prompt %d", round, i)
                            .isEqualTo(want.get(i));
                }
            }
        }
        assertThat(metrics.prefixCacheHits.sum()).isGreaterThan(500);
        if (draftTokens > 0) { // random weights guess badly: nearly all drafts are rejected
            assertThat(metrics.draftTokens.sum()).isGreaterThan(50);
        }
    }
}
