package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.Backend;
import io.millrace.kernels.CollectiveContract;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Eight contexts of the emulated driver; a kernel that touches memory of a device without peer access fails there. */
class CudaCollectiveTest extends CollectiveContract {
    @Override
    protected Backend open() {
        EmulatedDriver.require();
        return new CudaBackend();
    }

    /** Not on the host's meeting, as in the contract, but in the kernel that waits for flags. */
    @Test
    void abandoningEndsTheWaitOfAKernel() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (CudaBackend backend = new CudaBackend()) {
            List<Rank> ranks = backend.open(new ParallelPlan(2, 1, false));
            Tensor a = Inputs.tensor(ranks.get(0).device(), new float[] {1, 2}, 1, 2);
            Tensor b = Inputs.tensor(ranks.get(1).device(), new float[] {3, 4}, 1, 2);
            Future<?> first = threads.submit(() -> ranks.get(0).collective().allReduce(a));
            ranks.get(1).collective().allReduce(b); // both know each other's address now
            first.get();
            Future<?> waiting = threads.submit(() -> {
                ranks.get(0).collective().allReduce(a);
                Inputs.floats(ranks.get(0).device(), a);
            });
            Thread.sleep(20);
            ranks.get(1).collective().abandon();
            assertThatThrownBy(waiting::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(DeviceException.class)
                    .hasMessageContaining("gave up waiting for rank 1 of 2 in its group");
        } finally {
            threads.shutdownNow();
        }
    }
}
