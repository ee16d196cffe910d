package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.CollectiveContract;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class CpuCollectiveTest extends CollectiveContract {
    @Override
    protected Backend open() {
        return Backends.named("cpu", 2);
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
}
