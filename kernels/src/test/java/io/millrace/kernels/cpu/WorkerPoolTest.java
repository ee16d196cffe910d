package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkerPoolTest {
    @Test
    void everyItemIsDoneOnceInContiguousSlices() {
        try (WorkerPool pool = new WorkerPool(3, 0)) {
            for (int items : new int[] {0, 1, 2, 3, 4, 100}) {
                AtomicIntegerArray done = new AtomicIntegerArray(items);
                int[] slices = new int[3];
                pool.run(
                        (from, to, worker) -> {
                            slices[worker]++;
                            for (int i = from; i < to; i++) {
                                done.incrementAndGet(i);
                            }
                        },
                        items,
                        1);
                for (int i = 0; i < items; i++) {
                    assertThat(done.get(i)).isEqualTo(1);
                }
                assertThat(slices[1] + slices[2]).isEqualTo(items < 2 ? 0 : Math.min(2, items - 1));
            }
        }
    }

    @Test
    void manyCallsAndPausesLoseNothing() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(3, 0)) {
            AtomicIntegerArray sums = new AtomicIntegerArray(3);
            for (int call = 0; call < 3_000; call++) {
                pool.run((from, to, worker) -> sums.addAndGet(worker, to - from), 30, 1);
                if (call % 1_000 == 0) {
                    Thread.sleep(5); // long enough for the threads to park
                }
            }
            assertThat(sums.get(0) + sums.get(1) + sums.get(2)).isEqualTo(90_000);
        }
    }

    @Test
    void aFailingSliceFailsTheCallAndNotThePool() {
        try (WorkerPool pool = new WorkerPool(2, 0)) {
            for (int bad : new int[] {0, 1}) {
                assertThatThrownBy(() -> pool.run(
                                (from, to, worker) -> {
                                    if (worker == bad) {
                                        throw new IllegalArgumentException("slice " + bad);
                                    }
                                },
                                2,
                                1))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("slice " + bad);
            }
            pool.run((from, to, worker) -> {}, 2, 1);
        }
    }

    @Test
    void closeEndsTheThreads() {
        long before = numThreads();
        WorkerPool pool = new WorkerPool(4, 7);
        assertThat(numThreads()).isEqualTo(before + 3);
        pool.close();
        assertThat(numThreads()).isEqualTo(before);
        assertThatThrownBy(() -> pool.run((from, to, worker) -> {}, 1, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    private static long numThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("millrace-cpu-"))
                .count();
    }
}
