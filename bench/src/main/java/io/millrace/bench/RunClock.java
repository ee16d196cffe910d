package io.millrace.bench;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineMetrics;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.Submission;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Notes when each prompt of one run was handed over, reached the engine, got its tokens, and became visible as a completion. Hangs on
 * the engine's listeners, so that every {@link ServingWay} is timed by the same code.
 *
 * <p>Threads: tokens come on the engine's; a prompt is handed over and made visible on one thread each; times are read after
 * {@link #awaitVisible}.
 */
final class RunClock {
    /** Seldom: asking a Flink cluster how its job is doing takes time from the cores that are being measured. */
    static final Duration LOOK = Duration.ofSeconds(1);

    private static final AtomicInteger NUM_RUNS = new AtomicInteger();
    /** The run that goes on: Flink makes sources, sinks and operators from bytes, which can't hold a clock. */
    private static volatile @Nullable RunClock current;

    private final Workload workload;
    private final int[][] prompts;
    private final EngineMetrics metrics;
    private final String prefix = "run" + NUM_RUNS.incrementAndGet() + "-";
    private final StepTrace steps;
    private final long[] handedOver;
    private final long[] submitted;
    private final long[] visible;
    private final int[] numTokens;
    private final int[][] tokenSteps;
    private final CountDownLatch numInvisible;
    private final CountDownLatch numUnfinished;
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    private volatile long preemptionsBefore;
    private volatile long stepNanosBefore;
    private volatile long forwardNanosBefore;
    private volatile @Nullable MachineLoad start;
    private Runnable watcher = () -> {};
    private @Nullable MachineLoad end;

    /**
     * Makes a clock for one run.
     *
     * @param prompts [numPrompts][inputTokens] i32
     * @param metrics the engine's
     */
    RunClock(Workload workload, int[][] prompts, EngineMetrics metrics) {
        this.workload = workload;
        this.prompts = prompts;
        this.metrics = metrics;
        steps = new StepTrace(metrics);
        int n = workload.numPrompts();
        handedOver = new long[n];
        submitted = new long[n];
        visible = new long[n];
        numTokens = new int[n];
        tokenSteps = new int[n][workload.outputTokens()];
        numInvisible = new CountDownLatch(n);
        numUnfinished = new CountDownLatch(n);
    }

    /** Returns the run that goes on. */
    static RunClock current() {
        RunClock clock = current;
        if (clock == null) {
            throw new IllegalStateException("no run goes on");
        }
        return clock;
    }

    /** Makes this the run that goes on. */
    void makeCurrent() {
        current = this;
    }

    /** Makes this the run that goes on, and counts the machine's load from here. Call when the first prompt is about to be given away. */
    void start() {
        makeCurrent();
        preemptionsBefore = metrics.preemptions.sum();
        stepNanosBefore = metrics.stepNanos.sum();
        forwardNanosBefore = metrics.forwardNanos.sum();
        start = MachineLoad.now();
    }

    /** Has somebody look on, each {@link #LOOK}, while the run is awaited. */
    RunClock watchedBy(Runnable newWatcher) {
        watcher = newWatcher;
        return this;
    }

    Workload workload() {
        return workload;
    }

    /** Returns a prompt [inputTokens] i32. */
    int[] prompt(int index) {
        return prompts[index];
    }

    /** Returns the id of a request of this run. */
    String id(int index) {
        return prefix + index;
    }

    /** Returns which request has the id, −1 if it is none of this run. */
    int index(String id) {
        return id.startsWith(prefix) ? Integer.parseInt(id.substring(prefix.length())) : -1;
    }

    /** The prompt is being given away, now. */
    void handedOver(int index) {
        handedOver[index] = System.nanoTime();
    }

    /** Submits a request to the engine with the clock between it and its listener. Requests of other runs pass. */
    Submission submit(EngineHost.Lease engine, EngineRequest request, EngineListener listener) {
        int index = index(request.id());
        if (index < 0) {
            return engine.submit(request, listener);
        }
        submitted[index] = System.nanoTime();
        return engine.submit(request, new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                note(index, event);
                listener.onEvent(event);
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                fail(cause);
                listener.onEngineFailure(cause);
            }
        });
    }

    private void note(int index, EngineEvent event) {
        if (event instanceof EngineEvent.Delta delta && delta.tokenIds().length > 0) {
            int step = steps.stamp();
            for (int i = 0; i < delta.tokenIds().length; i++) {
                tokenSteps[index][numTokens[index]++] = step;
            }
        } else if (event instanceof EngineEvent.Finished) {
            numUnfinished.countDown();
        } else if (event instanceof EngineEvent.Rejected rejected) {
            fail(rejected.cause());
        }
    }

    /** The completion can be read, now. */
    void visible(int index) {
        visible[index] = System.nanoTime();
        numInvisible.countDown();
    }

    /** Returns how many completions can't be read yet. */
    long numInvisible() {
        return numInvisible.getCount();
    }

    /** The run can't succeed any more. */
    void fail(RuntimeException cause) {
        failure.compareAndSet(null, cause);
    }

    /**
     * Waits until every completion can be read.
     *
     * @param look called while waiting, each {@link #LOOK}; throws if there is no hope
     */
    void awaitVisible(Runnable look) {
        await(numInvisible, look);
        await(numUnfinished, look);
        end = MachineLoad.now();
    }

    /** Waits until the engine has finished every request. */
    void awaitFinished(Runnable look) {
        await(numUnfinished, look);
    }

    private void await(CountDownLatch latch, Runnable look) {
        try {
            do {
                throwIfFailed();
                look.run();
                watcher.run();
            } while (!latch.await(LOOK.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        throwIfFailed();
    }

    /** Throws what {@link #fail} was told. */
    void throwIfFailed() {
        RuntimeException cause = failure.get();
        if (cause != null) {
            throw new IllegalStateException("a request wasn't answered: " + cause.getMessage(), cause);
        }
    }

    /** Returns what was noted, after {@link #awaitVisible}. */
    RunTimes times() {
        MachineLoad from = start;
        MachineLoad to = end;
        if (from == null || to == null) {
            throw new IllegalStateException("the run isn't over");
        }
        long[] stepNanos = steps.nanos();
        long[][] tokens = new long[tokenSteps.length][];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = Arrays.stream(tokenSteps[i], 0, numTokens[i])
                    .mapToLong(step -> stepNanos[step])
                    .toArray();
        }
        return new RunTimes(
                workload,
                handedOver,
                submitted,
                tokens,
                visible,
                stepNanos,
                steps.cpuNanos(),
                from,
                to,
                new RunTimes.Counters(
                        steps.peakRunning(),
                        steps.peakKvUsage(),
                        metrics.preemptions.sum() - preemptionsBefore,
                        MachineLoad.residentBytes(),
                        stepOverheadShare()));
    }

    private double stepOverheadShare() {
        double stepNanos = metrics.stepNanos.sum() - stepNanosBefore;
        return 1 - (metrics.forwardNanos.sum() - forwardNanosBefore) / stepNanos;
    }
}
