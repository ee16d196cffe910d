package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeepSeekModelTest {
    private @TempDir Path parent;

    private static int[] randomIds(int count, int vocab, long seed) {
        return new SplittableRandom(seed).ints(count, 0, vocab).toArray();
    }

    private static void assertSameBits(float[][] actual, float[][] expected) {
        assertThat(actual).hasDimensions(expected.length, expected[0].length);
        for (int row = 0; row < expected.length; row++) {
            int at = Arrays.mismatch(actual[row], expected[row]);
            assertThat(at).as("first logit of row %d whose bits differ", row).isEqualTo(-1);
        }
    }

    @Test
    void decodesAGoldenAlone() {
        Golden golden = Golden.all().get(0);
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 64, 64, BareRunner.identityPages(1, 4))) {
            float[][] logits = runner.prefill(0, golden.promptIds(), 64);
            int position = golden.promptIds().length;
            for (int expected : golden.completionIds()) {
                int id = BareRunner.argmax(logits[logits.length - 1]);
                assertThat(id).as("token at position %d", position).isEqualTo(expected);
                logits = runner.step(List.of(new BareRunner.Chunk(0, position++, new int[] {id})));
            }
        }
    }

    @Test
    void chunkedPrefillGivesTheBitsOfTheWhole() {
        int[] prompt = randomIds(600, 512, 5); // longer than one attention segment
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 600, 64, BareRunner.identityPages(4, 10))) {
            float[][] whole = runner.prefill(0, prompt, 600);
            assertSameBits(runner.prefill(1, prompt, 64), whole);
            assertSameBits(runner.prefill(2, prompt, 7), whole);
            assertSameBits(runner.prefill(3, prompt, 1), whole);
        }
    }

    @Test
    void neighboursOrderAndPagesDontMatter() {
        int[][] prompts = new int[5][];
        float[][][] alone = new float[5][][];
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 300, 64, BareRunner.identityPages(5, 4))) {
            for (int s = 0; s < 5; s++) {
                prompts[s] = randomIds(20 + 31 * s, 512, s);
                alone[s] = runner.prefill(s, prompts[s], 300);
            }
        }
        int[][] scattered = new int[5][16];
        for (int page = 0; page < 80; page++) {
            scattered[page % 5][page / 5] = (page * 37 + 11) % 80;
        }
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 300, 16, scattered)) {
            float[][][] together = new float[5][][];
            for (int s = 0; s < 5; s++) {
                together[s] = new float[prompts[s].length][];
            }
            for (int round = 0; round < 3; round++) { // a third of each prompt at a time, in changing order
                List<BareRunner.Chunk> chunks = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    int s = (i * 2 + round) % 5;
                    int from = prompts[s].length * round / 3;
                    int to = prompts[s].length * (round + 1) / 3;
                    chunks.add(new BareRunner.Chunk(s, from, Arrays.copyOfRange(prompts[s], from, to)));
                }
                float[][] logits = runner.step(chunks);
                int row = 0;
                for (BareRunner.Chunk c : chunks) {
                    for (int i = 0; i < c.ids().length; i++) {
                        together[c.sequence()][c.start() + i] = logits[row++];
                    }
                }
            }
            for (int s = 0; s < 5; s++) {
                assertSameBits(together[s], alone[s]);
            }
        }
    }

    @Test
    void raggedShapesAgreeWithThePlainReference() {
        assertAgreesWithPlainReference(TestConfigs.small());
    }

    @Test
    void withoutQueryLatentGroupsBiasAndYarnItAgreesWithThePlainReference() {
        ObjectNode json = TestConfigs.small()
                .put("topk_method", "greedy")
                .put("scoring_func", "softmax")
                .put("norm_topk_prob", false)
                .put("routed_scaling_factor", 1.0)
                .put("num_experts_per_tok", 5);
        json.putNull("q_lora_rank");
        json.putNull("rope_scaling");
        assertAgreesWithPlainReference(json);
    }

    private void assertAgreesWithPlainReference(ObjectNode json) {
        Path folder = parent.resolve("random");
        RandomWeights.write(folder, json.toString(), 3, 300_000, ProgressListener.NONE);
        int[] ids = randomIds(40, 264, 9);
        double[][] expected = new PlainReference(ModelFolder.open(folder)).logits(ids);
        try (BareRunner runner = new BareRunner(folder, 64, 16, BareRunner.identityPages(1, 4))) {
            float[][] actual = runner.prefill(0, ids, 13);
            for (int row = 0; row < ids.length; row++) {
                for (int v = 0; v < 264; v++) {
                    assertThat(Math.abs(actual[row][v] - expected[row][v]))
                            .as("row %d id %d: %s, reference %s", row, v, actual[row][v], expected[row][v])
                            .isLessThan(1e-3);
                }
            }
        }
    }

    @Test
    void aStepMayWantNoLogits() {
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 8, 64, BareRunner.identityPages(1, 1))) {
            assertThat(runner.model.config().numHiddenLayers()).isEqualTo(4);
            assertThat(runner.stepWithoutLogits(new BareRunner.Chunk(0, 0, new int[] {0, 492}))).isZero();
            float[][] after = runner.step(List.of(new BareRunner.Chunk(0, 2, new int[] {305})));
            float[][] whole = runner.prefill(0, new int[] {0, 492, 305}, 8);
            assertSameBits(after, new float[][] {whole[2]});
        }
    }
}
