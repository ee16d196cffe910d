package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.kernels.ParallelPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

    /**
     * bf16 rows and weights (odd widths: 342 / 2), and ue8m0 with groups that are cut (3 · 48, 3 · 100), over ranks. Where sums are split, a
     * last bit may round an activation elsewhere and then choose another expert: rows differ by up to 0.3 from one rank's, but are no
     * further from the cpu back end's, which rounds no activations. Where only requests are split, bits are one rank's.
     */
    @ParameterizedTest
    @CsvSource({"v2-lite, 1, 2", "v2-lite, 2, 2", "moonlight, 4, 1", "moonlight, 2, 4", "v3.1, 1, 4", "v3.1, 3, 1"})
    void ranksAreAsCloseToTheCpuAsOneRank(String name, int tp, int ep) throws Exception {
        Path folder = ShapesIT.synthesize(parent, name);
        ParallelPlan plan = new ParallelPlan(tp, ep, ep > tp);
        int[][] pages = BareRunner.identityPages(1, 1);
        double ofRanks = 0;
        double ofOne = 0;
        try (PlanRunner ranks = new PlanRunner("cuda", plan, folder, 64, 64, pages);
                BareRunner one = new BareRunner("cuda", folder, 64, 64, pages);
                BareRunner cpu = new BareRunner("cpu", folder, 64, 64, pages)) {
            for (int seed = 20; seed < 24; seed += plan.dp()) {
                List<int[]> prompts = new ArrayList<>();
                for (int g = 0; g < plan.dp(); g++) {
                    prompts.add(BareRunner.randomIds(50 - 7 * g, 264, seed + g));
                }
                List<float[][]> logits = ranks.prefill(prompts, 64);
                for (int g = 0; g < plan.dp(); g++) {
                    float[][] same = one.prefill(0, prompts.get(g), 64);
                    float[][] exact = cpu.prefill(0, prompts.get(g), 64);
                    if (tp == 1) {
                        BareRunner.assertSameBits(logits.get(g), same);
                    }
                    ofRanks += distance(logits.get(g), exact);
                    ofOne += distance(same, exact);
                }
            }
        }
        System.out.printf("cuda (emulated), %s, %s: %.5f from cpu, one rank %.5f%n", name, plan, ofRanks, ofOne);
        assertThat(ofRanks).isPositive().isLessThan(1.25 * ofOne);
    }

    /** Returns the mean over rows of the rms of the differences. */
    private static double distance(float[][] logits, float[][] want) {
        double sum = 0;
        for (int row = 0; row < want.length; row++) {
            sum += rms(logits[row], want[row]) / want.length;
        }
        return sum;
    }

    private static double rms(float[] row, float[] want) {
        double sum = 0;
        for (int v = 0; v < want.length; v++) {
            sum += Math.pow(row[v] - (double) want[v], 2) / row.length;
        }
        return Math.sqrt(sum);
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
