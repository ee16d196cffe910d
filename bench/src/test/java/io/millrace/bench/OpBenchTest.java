package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is timed computes the right thing: plain double loops over the same inputs. */
class OpBenchTest {
    private static <T extends BenchOp> float[] run(Function<Rank, T> make, Consumer<T> keep) {
        try (Backend backend = Backends.named("cpu", 2)) {
            Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
            T op = make.apply(rank);
            keep.accept(op);
            assertThat(OpBench.time(op, 0)).isPositive();
            int count = (int) Arrays.stream(op.out().shape()).reduce(1, (a, b) -> a * b);
            float[] values = new float[count];
            rank.device().read(values, op.out(), count);
            return values;
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 1, 1", "5, 8, 2", "5, 7, 3"})
    void products(int tokens, int experts, int perToken) {
        int n = 140;
        int k = 136;
        GemmOp[] op = new GemmOp[1];
        float[] out = run(rank -> new GemmOp(rank, tokens, experts, perToken, n, k), o -> op[0] = o);
        assertThat(out).hasSize(tokens * perToken * n);
        for (int row = 0; row < tokens * perToken; row++) {
            int[] place = op[0].place(row);
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int j = 0; j < k; j++) {
                    sum += op[0].x(place[0], j) * op[0].weight(place[1], i, j);
                }
                assertThat((double) out[row * n + i])
                        .as("row %d, column %d", row, i)
                        .isCloseTo(sum, within(1e-4));
            }
        }
    }

    @Test
    void attention() {
        int heads = 2;
        int latent = 16;
        int width = latent + 8;
        int context = 70;
        AttentionOp[] op = new AttentionOp[1];
        float[] out = run(rank -> new AttentionOp(rank, 2, context, heads, latent, width - latent), o -> op[0] = o);
        for (int s = 0; s < 2; s++) {
            for (int h = 0; h < heads; h++) {
                double[] expected = new double[latent];
                double total = 0;
                for (int p = 0; p < context; p++) {
                    double dot = 0;
                    for (int c = 0; c < width; c++) {
                        dot += (double) op[0].q(s, h, c) * op[0].key(s, p, c);
                    }
                    double weight = Math.exp(dot * AttentionOp.SCALE);
                    total += weight;
                    for (int c = 0; c < latent; c++) {
                        expected[c] += weight * op[0].key(s, p, c);
                    }
                }
                for (int c = 0; c < latent; c++) {
                    assertThat((double) out[(s * heads + h) * latent + c]).isCloseTo(expected[c] / total, within(1e-5));
                }
            }
        }
    }

    @Test
    void bytesAndOperationsOfAProduct() {
        try (Backend backend = Backends.named("cpu", 1)) {
            Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
            GemmOp op = new GemmOp(rank, 2, 1, 1, 128, 256);
            assertThat(op.flops()).isEqualTo(2L * 2 * 128 * 256);
            assertThat(op.bytes()).isEqualTo(128 * 256 + 2 * 4 + 2 * 256 * 4 + 2 * 128 * 4);
        }
    }
}
