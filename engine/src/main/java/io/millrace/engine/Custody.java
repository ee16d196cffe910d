package io.millrace.engine;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who may touch what an engine knows (scheduler, live requests): the engine loop, which lets go while the device computes, until a
 * watchdog seizes it for good because the device doesn't come back. Any thread.
 */
final class Custody {
    private volatile @Nullable Thread owner;
    private volatile @Nullable RuntimeException reason;

    /**
     * Does something that nobody else may do meanwhile.
     *
     * @throws RuntimeException the reason of a seizure, in every thread but the one that seized
     */
    synchronized <T> T hold(Supplier<T> what) {
        RuntimeException seized = reason;
        if (seized != null && owner != Thread.currentThread()) {
            throw seized;
        }
        return what.get();
    }

    /** Takes custody for the calling thread for good. Waits until nobody holds it. */
    synchronized void seize(RuntimeException why) {
        owner = Thread.currentThread();
        reason = why;
    }

    /** Returns whether it was seized. Doesn't wait. */
    boolean isSeized() {
        return reason != null;
    }
}
