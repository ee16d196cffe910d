package io.millrace.engine;

import io.millrace.kernels.DeviceException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that calls {@link Engine#step}. A failure there breaks the engine: everybody who waits is told, once. So does a step
 * that doesn't end: a second thread watches, and tells them in place of the first.
 */
final class EngineLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);
    private static final long MOST_POLL_MILLIS = 1000;
    /** What a hanging step gets to react to its interruption. */
    private static final long GRACE_MILLIS = 2000;

    private final Engine engine;
    private final Duration stepTimeout;
    private final Thread thread;
    private final Thread watchdog;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final CompletableFuture<Void> takenOver = new CompletableFuture<>();
    private volatile boolean isClosing;
    private volatile @Nullable RuntimeException failure;

    /**
     * Makes one that doesn't run yet.
     *
     * @param stepTimeout a step that takes longer breaks the engine; zero = never
     */
    EngineLoop(Engine engine, Duration stepTimeout) {
        this.engine = engine;
        this.stepTimeout = stepTimeout;
        thread = new Thread(this::run, "millrace-engine-loop");
        thread.setDaemon(true);
        watchdog = new Thread(this::watch, "millrace-engine-watchdog");
        watchdog.setDaemon(true);
    }

    void start() {
        thread.start();
        if (!stepTimeout.isZero()) {
            watchdog.start();
        }
    }

    /** Returns what broke the engine, null while it works. Any thread. */
    @Nullable
    RuntimeException failure() {
        return failure;
    }

    /** Breaks the engine from outside, as a lost device would. Any thread. */
    void breakDown(RuntimeException cause) {
        failure = cause;
        engine.wake();
    }

    @SuppressWarnings("CatchAndPrintStackTrace")
    private void run() {
        try {
            while (isRunning()) {
                // Asked again after the step: it may have taken the very entry by which wake() ends the wait.
                if (!engine.step() && isRunning()) {
                    engine.awaitWork();
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("the engine loop was interrupted", e);
        } catch (RuntimeException e) {
            if (!engine.isSeized()) {
                LOG.error("the engine broke: {}", e.getMessage(), e);
                failure = e;
            }
        }
        if (!engine.isSeized()) {
            tellOfFailure();
        }
        ended.complete(null);
    }

    /** Requests may still arrive until the last holder has let go: they are told as well. */
    private void tellOfFailure() {
        RuntimeException cause = failure;
        while (!isClosing && cause != null) {
            engine.breakDown(cause);
            try {
                if (!isClosing) {
                    engine.awaitWork();
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void watch() {
        long pollMillis = Math.max(1, Math.min(MOST_POLL_MILLIS, stepTimeout.toMillis() / 4));
        try {
            while (!hasEnded()) {
                Thread.sleep(pollMillis);
                long stalledMillis = TimeUnit.NANOSECONDS.toMillis(engine.stalledNanos());
                if (stalledMillis > stepTimeout.toMillis()) {
                    takeOver(stalledMillis);
                    return;
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("the watchdog was interrupted", e);
        }
    }

    private void takeOver(long stalledMillis) {
        StackTraceElement[] where = thread.getStackTrace();
        DeviceException cause = new DeviceException("no engine step has ended for " + stalledMillis
                + " ms but step-timeout is " + stepTimeout.toMillis()
                + " ms: the device hangs, or raise step-timeout if a step may take that long");
        cause.setStackTrace(where);
        engine.seize(cause);
        LOG.error("the engine hangs: {}; its thread is at", cause.getMessage(), cause);
        failure = cause;
        tellOfFailure();
        takenOver.complete(null);
    }

    private boolean isRunning() {
        return !isClosing && failure == null;
    }

    /** Ends the threads and waits for them; for a step that hangs, no longer than it gets to react to its interruption. */
    @Override
    public void close() {
        isClosing = true;
        engine.wake();
        try {
            CompletableFuture.anyOf(ended, takenOver).get();
            watchdog.interrupt();
            watchdog.join();
            if (engine.isSeized()) {
                thread.interrupt();
            }
            thread.join(engine.isSeized() ? GRACE_MILLIS : 0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns whether the loop uses the engine no more, so that its memory can be freed. */
    boolean hasEnded() {
        return ended.isDone();
    }

    /** Does something as soon as the loop has ended. */
    void whenEnded(Runnable what) {
        CompletableFuture<Void> unused = ended.thenRun(what);
    }
}
