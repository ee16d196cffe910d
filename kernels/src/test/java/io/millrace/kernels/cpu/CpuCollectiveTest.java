package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.BitsAssert;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class CpuCollectiveTest {
    private static final int RANKS = 3;

    @Test
    void addsInRankOrderAgainAndAgain() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(RANKS);
        try (Backend backend = Backends.named("cpu", 2)) {
            List<Rank> ranks = backend.open(new ParallelPlan(RANKS, 1, false));
            for (int rows : new int[] {1, 2, 70, 0, 5}) {
                int cols = 33;
                List<float[]> inputs = new ArrayList<>();
                List<Future<float[]>> results = new ArrayList<>();
                for (Rank rank : ranks) {
                    float[] x = Inputs.floats(new SplittableRandom(rank.index() + rows), rows * cols);
                    inputs.add(x);
                    results.add(threads.submit(() -> {
                        Tensor t = Inputs.tensor(rank.device(), x, rows, cols);
                        rank.collective().allReduce(t);
                        return Inputs.floats(rank.device(), t);
                    }));
                }
                float[] expected = new float[rows * cols];
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = inputs.get(0)[i] + inputs.get(1)[i] + inputs.get(2)[i];
                }
                for (Future<float[]> result : results) {
                    BitsAssert.assertSameBits("sum of " + rows + " rows", result.get(), expected, cols);
                }
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void closingWakesARankThatWaits() throws InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(1);
        try {
            Backend backend = Backends.named("cpu", 1);
            Rank rank = backend.open(new ParallelPlan(2, 1, false)).get(0);
            Tensor t = Inputs.tensor(rank.device(), new float[4], 2, 2);
            Future<?> waiting = threads.submit(() -> rank.collective().allReduce(t));
            Thread.sleep(20);
            backend.close();
            assertThatThrownBy(waiting::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(DeviceException.class)
                    .hasMessageContaining("allReduce");
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aSingleRankKeepsItsNumbers() {
        try (Backend backend = Backends.named("cpu", 1)) {
            Rank rank = backend.open(ParallelPlan.SINGLE).get(0);
            Tensor t = Inputs.tensor(rank.device(), new float[] {1, 2}, 1, 2);
            rank.collective().allReduce(t);
            assertThat(Inputs.floats(rank.device(), t)).containsExactly(1, 2);
        }
    }
}
