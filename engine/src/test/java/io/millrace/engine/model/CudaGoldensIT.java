package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.kernels.LinearFormat;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The shipped model on the cuda back end (emulated driver), fed with the goldens' tokens. e4m3 activations and a bf16 cache aren't
 * the reference's f32, so the best token may change where the reference's two best are close. {@code -Dmillrace.full=true}: all 52.
 */
class CudaGoldensIT {
    private static final int CHUNK = 256;

    private @TempDir Path parent;

    @BeforeEach
    void require() {
        EmulatedDriver.require();
    }

    @Test
    void bestTokenIsTheGoldensWhereItLeadsByMoreThanTheBound() {
        int[][] pages = BareRunner.identityPages(1, 2048 / 64);
        GoldenScore score = new GoldenScore();
        try (BareRunner cpu = new BareRunner("cpu", TestConfigs.TINY_R1, CHUNK, 64, pages);
                BareRunner cuda = new BareRunner("cuda", TestConfigs.TINY_R1, CHUNK, 64, pages)) {
            for (Golden g : GoldenScore.chosen()) {
                score.add(g, cpu.prefill(0, g.fed(), CHUNK), cuda.prefill(0, g.fed(), CHUNK));
            }
        }
        score.check("cuda (emulated)");
    }

    /**
     * As far from f64 as an oracle in double that rounds as the published model does, and nearer to that oracle. Not near: the
     * absorbed form rounds in other places than the oracle's naive one, and a last bit there is another e4m3 code in the next product.
     */
    @ParameterizedTest
    @CsvSource({"0, E4M3", "1, E4M3", "0, E4M3_UE8M0", "1, E4M3_UE8M0", "0, BF16", "1, BF16"})
    void aLayerIsThatOfAPlainForwardPassThatRounds(int numDenseLayers, LinearFormat format) {
        ObjectNode json = TestConfigs.tinyR1()
                .put("num_hidden_layers", 1)
                .put("first_k_dense_replace", numDenseLayers)
                .put("num_nextn_predict_layers", 0);
        if (format == LinearFormat.BF16) { // with V2-Lite's router and queries
            json.putNull("quantization_config").putNull("q_lora_rank");
            json.put("topk_method", "greedy").put("scoring_func", "softmax").put("norm_topk_prob", false);
        } else if (format == LinearFormat.E4M3_UE8M0) {
            ((ObjectNode) json.get("quantization_config")).put("scale_fmt", "ue8m0");
        }
        Path path = parent.resolve("random");
        RandomWeights.write(path, json.toString(), 3, Long.MAX_VALUE, ProgressListener.NONE);
        ModelFolder folder = ModelFolder.open(path);
        int[] ids = BareRunner.randomIds(70, 512, 9);
        double[][] rounding = new PlainReference(folder, true).logits(ids);
        double[][] exact = new PlainReference(folder).logits(ids);
        try (BareRunner cuda = new BareRunner("cuda", path, CHUNK, 64, BareRunner.identityPages(1, 2))) {
            float[][] logits = cuda.prefill(0, ids, CHUNK);
            double error = medianRms(rounding, logits);
            double errorOfRounding = medianRms(exact, logits);
            double expected = medianRms(exact, asFloats(rounding));
            System.out.printf(
                    "cuda (emulated), one layer, %s: median rms error of a row's logits %.4f against f64 (rounding oracle: %.4f), %.4f against the rounding oracle%n",
                    format, errorOfRounding, expected, error);
            assertThat(errorOfRounding).isBetween(0.8 * expected, 1.2 * expected);
            // bf16 keys and latents round as finely as the activations, so that the places matter as much as the values
            assertThat(error).isLessThan((format == LinearFormat.BF16 ? 1.2 : 0.75) * errorOfRounding);
        }
    }

    private static float[][] asFloats(double[][] rows) {
        float[][] values = new float[rows.length][rows[0].length];
        for (int t = 0; t < rows.length; t++) {
            for (int v = 0; v < rows[t].length; v++) {
                values[t][v] = (float) rows[t][v];
            }
        }
        return values;
    }

    private static double medianRms(double[][] expected, float[][] actual) {
        double[] errors = new double[actual.length];
        for (int t = 0; t < actual.length; t++) {
            errors[t] = rms(expected[t], actual[t]);
        }
        Arrays.sort(errors);
        return errors[errors.length / 2];
    }

    private static double rms(double[] expected, float[] actual) {
        double sum = 0;
        for (int v = 0; v < actual.length; v++) {
            sum += (actual[v] - expected[v]) * (actual[v] - expected[v]);
        }
        return Math.sqrt(sum / actual.length);
    }

    @Test
    void bitsDontDependOnBatchChunksPagesOrPadding() {
        int[] prompt = BareRunner.randomIds(150, 512, 5);
        int[] other = BareRunner.randomIds(61, 512, 6);
        int[][] pages = {{3, 0, 8}, {5, 7, 1}, {2, 6, 4}};
        int sparePage = 8;
        try (BareRunner runner = new BareRunner("cuda", TestConfigs.TINY_R1, CHUNK, 64, pages)) {
            float[][] whole = runner.prefill(1, prompt, CHUNK);
            BareRunner.assertSameBits(runner.prefill(2, prompt, 33), whole);
            float[][] begin = Arrays.copyOf(whole, 12);
            BareRunner.assertSameBits(runner.prefill(2, Arrays.copyOf(prompt, 12), 1), begin);
            float[][] alone = runner.prefill(0, other, CHUNK);
            BareRunner.Chunk first = new BareRunner.Chunk(2, 0, Arrays.copyOf(prompt, 100));
            float[][] both = runner.step(List.of(new BareRunner.Chunk(0, 0, other), first));
            BareRunner.assertSameBits(Arrays.copyOf(both, other.length), alone);
            BareRunner.assertSameBits(
                    Arrays.copyOfRange(both, other.length, other.length + 100), Arrays.copyOf(whole, 100));
            float[][] padded = runner.paddedStep(List.of(new BareRunner.Chunk(0, 0, other)), 67, sparePage);
            BareRunner.assertSameBits(padded, alone);
        }
    }
}
