package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What every back end's {@link Ops#sample} and {@link Ops#topLogprobs} do. */
public interface SamplingContract {
    /** The rank under test. */
    Rank rank();

    /** Draws rows that share one configuration but have positions of their own. */
    private int[] sample(float[] logits, int rows, SamplingBatch batch) {
        Device device = rank().device();
        int cols = logits.length / rows;
        Tensor ids = device.allocate(DType.I32, rows);
        Tensor tensor = Inputs.tensor(device, logits, rows, cols);
        rank().ops().sample(ids, tensor, batch);
        assertThat(Inputs.floats(device, tensor)).as("logits stay").isEqualTo(logits);
        return Inputs.ints(device, ids);
    }

    private static SamplingBatch greedy(int rows, int tokens) {
        SamplingBatch batch = new SamplingBatch(rows);
        batch.numRows = rows;
        batch.numTokens = tokens;
        Arrays.fill(batch.topP, 1);
        return batch;
    }

    @Test
    default void greedyTakesTheLowestOfEqualsAndNoPadding() {
        float[] logits = {1, 3, 2, 3, 9, Float.NaN};
        assertThat(sample(logits, 1, greedy(1, 4))).containsExactly(1);
    }

    @Test
    default void brokenRowsGiveMinusOneAndLeaveTheOthers() {
        float inf = Float.POSITIVE_INFINITY;
        float[] logits = {0, Float.NaN, 1, 1, 0, 0, inf, 0, 0, -inf, -inf, -inf, -inf, 5, -inf};
        assertThat(sample(logits, 5, greedy(5, 3))).containsExactly(-1, 0, -1, -1, 1);
        SamplingBatch batch = greedy(5, 3);
        Arrays.fill(batch.temperature, 1);
        assertThat(sample(logits, 5, batch)).contains(-1, -1, -1).endsWith(1);
    }

    @Test
    default void penaltiesComeInOrder() {
        // bias, then repetition (÷ above 0, × below), then frequency · count and presence over the output only
        float[] logits = {4, 2, -1, 1.9f, -5};
        SamplingBatch batch = greedy(1, 5);
        int[] tokens = {0, 2, 4};
        batch.penalties[0] = new TokenPenalties(
                tokens,
                new int[] {2, 0, 0},
                new boolean[] {true, true, false},
                new float[] {1, 0, 6.95f},
                3,
                2,
                0.1f,
                0.25f);
        // 0: (4 + 1) / 2 − 0.2 − 0.25 = 2.05;  4: 1.95 (not seen: only bias)
        assertThat(sample(logits, 1, batch)).containsExactly(0);
        batch.penalties[0] = new TokenPenalties(
                tokens,
                new int[] {2, 0, 0},
                new boolean[] {true, true, false},
                new float[] {1, 0, 7.1f},
                3,
                2,
                0.1f,
                0.25f);
        assertThat(sample(logits, 1, batch)).containsExactly(4);
        float forbid = Float.NEGATIVE_INFINITY;
        batch.penalties[0] = new TokenPenalties(
                new int[] {0, 1, 3}, new int[3], new boolean[3], new float[] {forbid, forbid, forbid}, 3, 1, 0, 0);
        assertThat(sample(logits, 1, batch)).containsExactly(2);
    }

    @Test
    default void onlyAllowedTokensAreDrawn() {
        int tokens = 130;
        float[] logits = new float[3 * tokens];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = i % tokens; // the last one is the largest
        }
        SamplingBatch batch = greedy(3, tokens);
        batch.allowed[0] = new long[] {-1, 1L << 5, 0}; // 0 … 63 and 69
        batch.allowed[1] = new long[] {0, 0, 0};
        batch.penalties[0] =
                new TokenPenalties(new int[] {69, 70}, new int[2], new boolean[2], new float[] {-10, 50}, 2, 1, 0, 0);
        assertThat(sample(logits, 3, batch)).containsExactly(63, -1, 129);
        batch.penalties[0] = null;
        assertThat(sample(logits, 3, batch)).containsExactly(69, -1, 129);
        batch.temperature[0] = 50;
        for (int position = 0; position < 50; position++) {
            batch.position[0] = position;
            assertThat(sample(logits, 3, batch)[0]).matches(v -> v < 64 || v == 69);
        }
    }

    @Test
    default void drawsAsAFullSortDoes() {
        SplittableRandom random = new SplittableRandom(99);
        int rows = 64;
        int vocabulary = 501;
        int tokens = 499;
        for (int config = 0; config < 24; config++) {
            SamplingBatch batch = new SamplingBatch(rows);
            batch.numRows = rows;
            batch.numTokens = tokens;
            float[] logits = Inputs.floats(random, rows * vocabulary);
            for (int i = 0; i < logits.length; i++) {
                logits[i] = Math.round(logits[i] * 40) / 8f; // many ties
            }
            for (int s = 0; s < rows; s++) {
                batch.temperature[s] = new float[] {0.6f, 1f, 2f, 0f}[(config + s) % 4];
                batch.topK[s] = new int[] {0, 1, 5, 40, 1000}[(config + s / 4) % 5];
                batch.topP[s] = new float[] {1f, 0.95f, 0.5f, 1e-9f}[config / 4 % 4];
                batch.minP[s] = new float[] {0f, 0.1f}[s % 2];
                batch.seed[s] = random.nextLong();
                batch.position[s] = random.nextInt(1000);
                batch.sampleIndex[s] = s % 3;
            }
            int[] ids = sample(logits, rows, batch);
            for (int s = 0; s < rows; s++) {
                float[] row = Inputs.rows(logits, s, s + 1, vocabulary);
                assertThat(ids[s]).as("config %d row %d", config, s).isEqualTo(SamplerOracle.draw(row, batch, s));
            }
        }
    }

    @Test
    default void frequenciesFollowTheSoftmax() {
        float[] row = {0, 1, 2, -1, 0.5f};
        int rows = 20_000;
        float[] logits = new float[rows * row.length];
        SamplingBatch batch = greedy(rows, row.length);
        for (int s = 0; s < rows; s++) {
            System.arraycopy(row, 0, logits, s * row.length, row.length);
            batch.temperature[s] = 1;
            batch.seed[s] = 42;
            batch.position[s] = s;
        }
        double[] counts = new double[row.length];
        for (int id : sample(logits, rows, batch)) {
            counts[id]++;
        }
        double sum = 0;
        for (float logit : row) {
            sum += Math.exp(logit);
        }
        double chiSquare = 0;
        for (int v = 0; v < row.length; v++) {
            double expected = rows * Math.exp(row[v]) / sum;
            chiSquare += (counts[v] - expected) * (counts[v] - expected) / expected;
        }
        assertThat(chiSquare).as("4 degrees of freedom, 99.9 %% below").isLessThan(18.47);
    }

    @Test
    default void logprobsAreTheLogSoftmaxOfTheRawLogits() {
        Device device = rank().device();
        int rows = 3;
        int vocabulary = 300;
        int tokens = 290;
        int k = 5;
        float[] logits = Inputs.floats(new SplittableRandom(8), rows * vocabulary);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = Math.round(logits[i] * 64) / 4f;
        }
        Tensor ids = Inputs.tensor(device, new int[rows * (k + 1)], rows, k + 1);
        Tensor logprobs = device.allocate(DType.F32, rows, k + 1);
        Tensor sampled = Inputs.tensor(device, new int[] {7, -1, 289}, rows);
        rank().ops().topLogprobs(ids, logprobs, Inputs.tensor(device, logits, rows, vocabulary), sampled, tokens);
        int[] topIds = Inputs.ints(device, ids);
        float[] values = Inputs.floats(device, logprobs);
        for (int s : new int[] {0, 2}) {
            float[] row = Arrays.copyOfRange(logits, s * vocabulary, s * vocabulary + tokens);
            int[] expected = SamplerOracle.top(row, k);
            assertThat(topIds[s * (k + 1)]).isEqualTo(s == 0 ? 7 : 289);
            for (int i = 0; i <= k; i++) {
                int id = i == 0 ? topIds[s * (k + 1)] : expected[i - 1];
                assertThat(topIds[s * (k + 1) + i]).isEqualTo(id);
                double exact = SamplerOracle.logprob(row, id);
                assertThat((double) values[s * (k + 1) + i]).isCloseTo(exact, within(2e-6));
            }
        }
        assertThat(Arrays.copyOfRange(topIds, k + 1, 2 * (k + 1))).containsOnly(0);
    }

    @Test
    default void wrongShapesAreNamed() {
        SamplingBatch batch = greedy(1, 9);
        assertThatThrownBy(() -> sample(new float[8], 1, batch))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sample: columns of logits is 8 but must be at least 9");
    }
}
