package io.millrace.engine;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread that calls {@link Engine#step}. A failure there breaks the engine: everybody who waits is told, once. */
final class EngineLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EngineLoop.class);

    private final Engine engine;
    private final Thread thread;
    private volatile boolean isClosing;
    private volatile @Nullable RuntimeException failure;

    EngineLoop(Engine engine) {
        this.engine = engine;
        thread = new Thread(this::run, "millrace-engine-loop");
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
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
            LOG.error("the engine broke: {}", e.getMessage(), e);
            failure = e;
        }
        // Requests may still arrive until the last holder has let go: they are told as well.
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

    private boolean isRunning() {
        return !isClosing && failure == null;
    }

    /** Ends the thread and waits for it. */
    @Override
    public void close() {
        isClosing = true;
        engine.wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
