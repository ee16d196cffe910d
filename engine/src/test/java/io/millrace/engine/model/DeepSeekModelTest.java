package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeepSeekModelTest {
    private @TempDir Path parent;

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
        int[] ids = BareRunner.randomIds(40, 264, 9);
        double[][] expected = new PlainReference(ModelFolder.open(folder)).logits(ids);
        try (BareRunner runner = new BareRunner(folder, 64, 16, BareRunner.identityPages(1, 4))) {
            float[][] actual = runner.prefill(0, ids, 13);
            for (int row = 0; row < ids.length; row++) {
                for (int v = 0; v < 264; v++) {
                    assertThat(Math.abs(actual[row][v] - expected[row][v]))
                            .as("row %d id %d: %s, reference %s", row, v, actual[row][v], expected[row][v])
                            .isLessThan(1e-4);
                }
            }
        }
    }

    @Test
    void aStepMayWantNoLogits() {
        try (BareRunner runner = new BareRunner(TestConfigs.TINY_R1, 8, 64, BareRunner.identityPages(1, 1))) {
            assertThat(runner.model.config().numHiddenLayers()).isEqualTo(4);
            assertThat(runner.stepWithoutLogits(new BareRunner.Chunk(0, 0, new int[] {0, 492})))
                    .isZero();
            float[][] after = runner.step(List.of(new BareRunner.Chunk(0, 2, new int[] {305})));
            float[][] whole = runner.prefill(0, new int[] {0, 492, 305}, 8);
            BareRunner.assertSameBits(after, new float[][] {whole[2]});
        }
    }
}
