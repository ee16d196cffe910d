package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkerPoolTest {
    @Test
    void everyItemIsDoneOnce() {
        try (WorkerPool pool = new WorkerPool(3, 0)) {
            for (int items : new int[] {0, 1, 2, 3, 4, 100, 1_000}) {
                AtomicIntegerArray done = new AtomicIntegerArray(items);
                AtomicInteger parts = new AtomicInteger();
                pool.run(
                        (from, to, worker) -> {
                            parts.incrementAndGet();
                            for (int i = from; i < to; i++) {
                                done.incrementAndGet(i);
                            }
                        },
                        items,
                        1);
                for (int i = 0; i < items; i++) {
                    assertThat(done.get(i)).isEqualTo(1);
                }
                assertThat(parts.get()).isEqualTo(items < 100 ? Math.min(items, 3) : 24);
            }
        }
    }

    @Test
    void tooFewItemsForTwoPartsStayWithTheCaller() {
        try (WorkerPool pool = new WorkerPool(2, 0)) {
            Thread caller = Thread.currentThread();
            pool.run((from, to, worker) -> assertThat(Thread.currentThread()).isSameAs(caller), 19, 10);
        }
    }

    /** A thread that sits on its first part, as if its core were taken, holds up no other part. */
    @Test
    void othersDoWhatASlowThreadHasNotBegun() {
        try (WorkerPool pool = new WorkerPool(2, 0)) {
            CountDownLatch allOthers = new CountDownLatch(15); // 16 parts of 4 items
            Set<Integer> slow = ConcurrentHashMap.newKeySet();
            pool.run(
                    (from, to, worker) -> {
                        if (slow.add(worker) && worker == 1) {
                            await(allOthers);
                        } else {
                            if (worker == 0 && allOthers.getCount() == 15) {
                                awaitMember(slow, 1);
                            }
                            allOthers.countDown();
                        }
                    },
                    64,
                    1);
            assertThat(allOthers.getCount()).isZero();
        }
    }

    private static void awaitMember(Set<Integer> set, int member) {
        while (!set.contains(member)) {
            Thread.onSpinWait();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void manyCallsAndPausesLoseNothing() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(3, 0)) {
            for (int call = 0; call < 20_000; call++) {
                int items = 2 + call % 50;
                AtomicIntegerArray done = new AtomicIntegerArray(items);
                pool.run(
                        (from, to, worker) -> {
                            for (int i = from; i < to; i++) {
                                done.incrementAndGet(i);
                            }
                        },
                        items,
                        1);
                for (int i = 0; i < items; i++) {
                    assertThat(done.get(i)).isEqualTo(1);
                }
                if (call % 5_000 == 0) {
                    Thread.sleep(5); // long enough for the threads to park
                }
            }
        }
    }

    @Test
    void theFirstFailingPartFailsTheCallAndNotThePool() {
        try (WorkerPool pool = new WorkerPool(2, 0)) {
            for (int bad : new int[] {0, 5, 75} /* 16 parts of 5 items */) {
                assertThatThrownBy(() -> pool.run(
                                (from, to, worker) -> {
                                    if (from >= bad) {
                                        throw new IllegalArgumentException("item " + from);
                                    }
                                },
                                80,
                                1))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("item " + bad);
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
