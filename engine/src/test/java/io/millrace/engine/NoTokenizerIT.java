package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.model.ProgressListener;
import io.millrace.engine.model.RandomWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model folder with weights and nothing to read text with, as {@code model synthesize} makes it. */
class NoTokenizerIT {
    @TempDir
    private Path temp;

    @Test
    void takesTokenIdsAndRejectsText() throws IOException {
        Path folder = temp.resolve("random");
        RandomWeights.write(
                folder, Files.readString(EngineRun.TINY.resolve("config.json")), 7, 1 << 20, ProgressListener.NONE);
        EngineConfig config = new EngineConfig(folder, "cpu", 1, 4, 64, 128, 0, true, 0, SamplingOptions.NONE);
        SamplingOptions greedy = EngineRun.sampling(5, 0.0, null, 1L);
        try (Engine engine = Engine.open(config, new EngineMetrics())) {
            Map<String, EngineRun.Outcome> outcomes = EngineRun.run(
                    engine,
                    List.of(
                            EngineRun.request("ids", new PromptInput.Tokens(new int[] {0, 5, 511}), greedy),
                            EngineRun.request("text", new PromptInput.Text("What is 1 + 1?", false), greedy),
                            EngineRun.request("beyond", new PromptInput.Tokens(new int[] {512}), greedy)));
            EngineEvent.Finished f = outcomes.get("ids").finished.get(0);
            assertThat(f.tokenIds()).isNotEmpty();
            assertThat(f.text()).isEmpty();
            assertThat(outcomes.get("text").rejected.stage()).isEqualTo(RejectedException.Stage.TOKENIZE);
            assertThat(outcomes.get("text").rejected)
                    .hasMessage("prompt is text but the model folder has no tokenizer.json: send token ids, or put the"
                            + " published file there");
            assertThat(outcomes.get("beyond").rejected)
                    .hasMessage("prompt holds token id 512 but the vocabulary has 0 to 511");
        }
    }
}
