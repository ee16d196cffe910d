package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DType;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.TokenPenalties;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Vocabularies that need the largest blocks: the draws are those of the cpu back end, alone and in a batch. */
class CudaSamplerTest {
    private static final int ROWS = 48;
    private static final int VOCABULARY = 9_003;
    private static final int TOKENS = 9_001;

    private final float[] logits = logits();

    private static float[] logits() {
        float[] values = Inputs.floats(new SplittableRandom(5), ROWS * VOCABULARY);
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(values[i] * 60) / 4f; // ties, also at the borders of top-k and top-p
        }
        return values;
    }

    /** Rows from … from + count − 1 of the batch, as a batch of their own. */
    private static SamplingBatch batch(int from, int count) {
        SamplingBatch batch = new SamplingBatch(count);
        batch.numRows = count;
        batch.numTokens = TOKENS;
        for (int s = 0; s < count; s++) {
            int row = from + s;
            batch.temperature[s] = new float[] {1f, 0.6f, 3f, 0f}[row % 4];
            batch.topK[s] = new int[] {0, 50, 1, 20_000}[row / 4 % 4];
            batch.topP[s] = new float[] {1f, 0.9f, 0.3f}[row / 16 % 3];
            batch.minP[s] = row % 5 == 0 ? 0.02f : 0;
            batch.seed[s] = 0x9E3779B97F4A7C15L * row;
            batch.position[s] = row;
            batch.sampleIndex[s] = row % 2;
            if (row % 7 == 0) {
                batch.allowed[s] =
                        new SplittableRandom(row).longs((TOKENS + 63) / 64).toArray();
            }
            if (row % 3 == 0) {
                int[] tokens = {row, 4_000 + row, 9_002};
                batch.penalties[s] = new TokenPenalties(
                        tokens,
                        new int[] {2, 0, 1},
                        new boolean[] {true, true, true},
                        new float[] {0, 12, 0},
                        3,
                        1.3f,
                        0.5f,
                        0.25f);
            }
        }
        return batch;
    }

    private int[] draw(Rank rank, int from, int count) {
        float[] part = Inputs.rows(logits, from, from + count, VOCABULARY);
        Tensor ids = rank.device().allocate(DType.I32, count);
        rank.ops().sample(ids, Inputs.tensor(rank.device(), part, count, VOCABULARY), batch(from, count));
        return Inputs.ints(rank.device(), ids);
    }

    @Test
    void drawsAreThoseOfTheCpu() {
        EmulatedDriver.require();
        try (Backend cpu = Backends.named("cpu", 1);
                Backend cuda = Backends.named("cuda", 1)) {
            int[] expected = draw(cpu.open(ParallelPlan.SINGLE).get(0), 0, ROWS);
            Rank rank = cuda.open(ParallelPlan.SINGLE).get(0);
            assertThat(draw(rank, 0, ROWS)).isEqualTo(expected);
            for (int row = 0; row < ROWS; row += 7) {
                assertThat(draw(rank, row, 1)).containsExactly(expected[row]);
            }
        }
    }
}
