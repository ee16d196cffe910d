package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Models of other families in small on the cuda back end (emulated driver), fed with the tokens of the goldens, whose activations are
 * f64. Rounded activations choose other experts here and there, so the best token may change where the two best are close.
 */
class CudaShapesIT {
    /** Longer prompts take the emulator too long. */
    private static final int MAX_PROMPT = 90;

    private @TempDir Path parent;

    @BeforeEach
    void require() {
        EmulatedDriver.require();
    }

    @ParameterizedTest
    @CsvSource({"v2-lite, 0.9, 0.02", "moonlight, 0.9, 0.02", "v3.1, 0.9, 0.1"})
    void bestTokensAreNearlyAlwaysTheReferences(String name, double share, double bound) throws Exception {
        Path folder = ShapesIT.synthesize(parent, name);
        List<String> lines = Files.readAllLines(ShapesIT.SHAPES.resolve(name).resolve("goldens.jsonl"));
        int steps = 0;
        int equal = 0;
        double toExact = 0;
        double toRounded = 0;
        try (BareRunner runner = new BareRunner("cuda", folder, 128, 64, BareRunner.identityPages(1, 2))) {
            for (String line : lines.subList(1, lines.size())) {
                JsonNode golden = TestConfigs.JSON.readTree(line);
                int[] prompt = ShapesIT.ints(golden.get("prompt_ids"));
                int[] want = ShapesIT.ints(golden.get("completion_ids"));
                if (prompt.length > MAX_PROMPT) {
                    continue;
                }
                int[] fed = Arrays.copyOf(prompt, prompt.length + want.length - 1);
                System.arraycopy(want, 0, fed, prompt.length, want.length - 1);
                float[][] logits = runner.prefill(0, fed, 128);
                for (int i = 0; i < want.length; i++, steps++) {
                    equal += BareRunner.argmax(logits[prompt.length - 1 + i]) == want[i] ? 1 : 0;
                }
                toExact += rms(logits[prompt.length - 1], golden.get("first_logits")) / 3;
                toRounded += rms(logits[prompt.length - 1], golden.get("e4m3_logits")) / 3;
            }
        }
        System.out.printf(
                "cuda (emulated), %s: best token equal at %d of %d steps, rms error of first logits %.4f against f64%s%n",
                name,
                equal,
                steps,
                toExact,
                toRounded > 0 ? String.format(", %.4f against rounded activations", toRounded) : "");
        assertThat(steps).isEqualTo(36);
        assertThat((double) equal / steps).isGreaterThan(share);
        assertThat(toExact).isLessThan(bound);
        if (toRounded > 0) {
            assertThat(toRounded).isLessThan(toExact);
        }
    }

    /** Returns 0 if nothing is wanted. */
    private static double rms(float[] row, JsonNode want) {
        double sum = 0;
        for (int v = 0; v < want.size(); v++) {
            sum += Math.pow(row[v] - want.get(v).doubleValue(), 2) / row.length;
        }
        return Math.sqrt(sum);
    }
}
