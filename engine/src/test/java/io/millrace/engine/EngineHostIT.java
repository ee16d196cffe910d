package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.DeviceException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EngineHostIT {
    private static final EngineConfig CONFIG = EngineRun.config(1, 4, 64, 128, 0);

    /** Lets a test wait for the end. */
    private static final class Waiting implements EngineListener {
        final CountDownLatch over = new CountDownLatch(1);
        final EngineRun.Outcome outcome = new EngineRun.Outcome();

        @Override
        public void onEvent(EngineEvent event) {
            outcome.onEvent(event);
            if (!(event instanceof EngineEvent.Delta)) {
                over.countDown();
            }
        }

        @Override
        public void onEngineFailure(RuntimeException cause) {
            outcome.onEngineFailure(cause);
            over.countDown();
        }

        void await() throws InterruptedException {
            assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static EngineRequest request() {
        return EngineRun.request(
                "r",
                new PromptInput.Chat(List.of(new ChatMessage(ChatMessage.Role.USER, "What is 14 + 71?"))),
                EngineRun.sampling(50, 0.0, null, 1L));
    }

    private static List<String> engineThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.isAlive() && t.getName().startsWith("millrace-"))
                .map(Thread::getName)
                .toList();
    }

    @Test
    void leasesShareOneEngineWhichClosesWithTheLast() throws InterruptedException {
        EngineHost.Lease first = EngineHost.acquire(CONFIG);
        EngineHost.Lease second = EngineHost.acquire(CONFIG);
        assertThat(second.model()).isSameAs(first.model());
        assertThat(first.model().hash()).matches("[0-9a-f]{64}");
        assertThatThrownBy(() -> EngineHost.acquire(EngineRun.config(1, 5, 64, 128, 0)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("give the jobs of one task manager the same engine options");
        first.close();
        first.close();
        Waiting w = new Waiting();
        second.submit(request(), w);
        w.await();
        assertThat(w.outcome.finished.get(0).content()).isEqualTo("The answer is \\boxed{85}.");
        assertThat(engineThreads()).isNotEmpty();
        second.close();
        assertThat(engineThreads()).isEmpty();
    }

    /** The loop must not wait for work once the step before has taken the entry that was to wake it. */
    @Test
    void closingDuringAStepEndsTheLoop() throws InterruptedException {
        EngineHost.Lease lease = EngineHost.acquire(CONFIG);
        CountDownLatch isQueued = new CountDownLatch(1);
        Thread closer = new Thread(lease::close);
        EngineRequest unfit = EngineRun.request(
                "unfit", new PromptInput.Tokens(new int[] {-1}), EngineRun.sampling(50, 0.0, null, 1L));
        lease.submit(unfit, onRejection(() -> {
            try {
                isQueued.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }));
        lease.submit(
                unfit,
                onRejection(
                        () -> { // runs inside step: the first one ended the wait
                            closer.start();
                            while (closer.getState() != Thread.State.WAITING) { // for the loop to end
                                Thread.onSpinWait();
                            }
                        }));
        isQueued.countDown();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (closer.getState() != Thread.State.TERMINATED && System.nanoTime() < deadline) {
            Thread.sleep(1);
        }
        assertThat(closer.getState()).isEqualTo(Thread.State.TERMINATED);
    }

    private static EngineListener onRejection(Runnable action) {
        return new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                assertThat(event).isInstanceOf(EngineEvent.Rejected.class);
                action.run();
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                throw cause;
            }
        };
    }

    @Test
    void aBrokenEngineTellsEverybodyAndIsReplaced() throws InterruptedException {
        try (EngineHost.Lease broken = EngineHost.acquire(CONFIG)) {
            Waiting before = new Waiting();
            broken.submit(request(), before);
            EngineHost.breakDown(new DeviceException("broken on purpose"));
            before.await();
            Waiting after = new Waiting();
            broken.submit(request(), after);
            after.await();
            assertThat(after.outcome.failure).hasMessage("broken on purpose");
            try (EngineHost.Lease fresh = EngineHost.acquire(CONFIG)) {
                Waiting w = new Waiting();
                fresh.submit(request(), w);
                w.await();
                assertThat(w.outcome.finished.get(0).reason()).isEqualTo(FinishReason.STOP);
            }
        }
        assertThat(engineThreads()).isEmpty();
    }

    /** A step that never ends by itself, but when it is interrupted. */
    @Test
    void aStepThatHangsBreaksTheEngineWhichIsFreedWhenTheStepCanBeInterrupted() throws InterruptedException {
        EngineHost.Lease lease = EngineHost.acquire(CONFIG.withStepTimeout(Duration.ofSeconds(1)));
        try {
            CountDownLatch never = new CountDownLatch(1);
            TappedBackendProvider.beforeDraw = () -> {
                try {
                    never.await();
                } catch (InterruptedException e) {
                    throw new DeviceException("interrupted");
                }
            };
            Waiting hung = new Waiting();
            lease.submit(request(), hung);
            hung.await();
            Waiting after = new Waiting();
            lease.submit(request(), after);
            after.await();
            for (Waiting w : List.of(hung, after)) {
                assertThat(w.outcome.failure)
                        .isInstanceOf(DeviceException.class)
                        .message()
                        .matches(
                                "no engine step has ended for 1\\d{3} ms but step-timeout is 1000 ms: the device hangs, or"
                                        + " raise step-timeout if a step may take that long");
                assertThat(w.outcome.finished).isEmpty();
            }
            assertThat(hung.outcome.failure.getStackTrace())
                    .as("where it hangs")
                    .anyMatch(e -> e.getMethodName().equals("await"));
        } finally {
            TappedBackendProvider.reset();
            lease.close();
        }
        assertThat(engineThreads()).isEmpty();
    }

    /** The next engine must not wait for a step that nothing can end; what that one held is freed if it ends after all. */
    @Test
    void anEngineThatHangsForGoodIsLeftBehind() throws InterruptedException {
        CountDownLatch release = new CountDownLatch(1);
        EngineConfig config = CONFIG.withStepTimeout(Duration.ofSeconds(1));
        EngineHost.Lease lease = EngineHost.acquire(config);
        Waiting hung = new Waiting();
        try {
            TappedBackendProvider.beforeDraw = () -> {
                while (release.getCount() > 0) {
                    Thread.onSpinWait();
                }
            };
            lease.submit(request(), hung);
            hung.await();
            assertThat(hung.outcome.failure).isInstanceOf(DeviceException.class);
        } finally {
            TappedBackendProvider.reset();
            lease.close();
        }
        assertThat(engineThreads()).as("the one that hangs").hasSize(1);
        try (EngineHost.Lease fresh = EngineHost.acquire(config)) {
            Waiting w = new Waiting();
            fresh.submit(request(), w);
            w.await();
            assertThat(w.outcome.finished.get(0).reason()).isEqualTo(FinishReason.STOP);
        }
        release.countDown();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!engineThreads().isEmpty() && System.nanoTime() < deadline) {
            Thread.sleep(10);
        }
        assertThat(engineThreads()).isEmpty();
        assertThat(hung.outcome.finished).as("nothing comes from it any more").isEmpty();
    }

    /** The ranks that wait for the lost one give up; its failure is the one that everybody hears of, and the next engine works. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void aRankThatIsLostBreaksTheEngineOnce(int lost) throws InterruptedException {
        EngineConfig config = CONFIG.withParallelism(new Parallelism(1, 4, true));
        try (EngineHost.Lease broken = EngineHost.acquire(config)) {
            TappedBackendProvider.beforeAttention = rank -> {
                if (rank == lost) {
                    throw new DeviceException("rank " + lost + " is lost");
                }
            };
            Waiting w = new Waiting();
            broken.submit(request(), w);
            w.await();
            assertThat(w.outcome.failure).isInstanceOf(DeviceException.class).hasMessage("rank " + lost + " is lost");
            TappedBackendProvider.reset();
            try (EngineHost.Lease fresh = EngineHost.acquire(config)) {
                Waiting again = new Waiting();
                fresh.submit(request(), again);
                again.await();
                assertThat(again.outcome.finished.get(0).content()).isEqualTo("The answer is \\boxed{85}.");
            }
        }
        assertThat(engineThreads()).isEmpty();
    }

    @Test
    void aRankThatHangsBreaksTheEngineWhichIsFreedWhenTheRankCanBeInterrupted() throws InterruptedException {
        EngineConfig config = CONFIG.withParallelism(new Parallelism(1, 2, true));
        EngineHost.Lease lease = EngineHost.acquire(config.withStepTimeout(Duration.ofSeconds(1)));
        try {
            CountDownLatch never = new CountDownLatch(1);
            TappedBackendProvider.beforeAttention = rank -> {
                try {
                    if (rank == 1) {
                        never.await();
                    }
                } catch (InterruptedException e) {
                    throw new DeviceException("interrupted");
                }
            };
            Waiting hung = new Waiting();
            lease.submit(request(), hung);
            hung.await();
            assertThat(hung.outcome.failure)
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("but step-timeout is 1000 ms: the device hangs");
        } finally {
            TappedBackendProvider.reset();
            lease.close();
        }
        assertThat(engineThreads()).isEmpty();
    }
}
