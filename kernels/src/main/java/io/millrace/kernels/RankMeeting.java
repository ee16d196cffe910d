package io.millrace.kernels;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/** Where the threads of a group's ranks wait for each other; for back ends. Thread: the ranks'; {@link #abandon} from any. */
public final class RankMeeting {
    private final CyclicBarrier barrier;
    private volatile boolean isAbandoned;

    /** Makes one for {@code numRanks} ≥ 1 ranks. */
    public RankMeeting(int numRanks) {
        barrier = new CyclicBarrier(numRanks);
    }

    /**
     * Waits until all ranks have come.
     *
     * @param op for the message
     * @throws DeviceException if one of them won't
     */
    public void await(String op) {
        if (isAbandoned) {
            throw new DeviceException(
                    op + " after another rank failed or the back end was closed: open the ranks anew");
        }
        try {
            barrier.await();
        } catch (BrokenBarrierException e) {
            throw new DeviceException(op + " given up: another rank failed or the back end was closed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DeviceException(op + " given up: the rank's thread was interrupted", e);
        }
    }

    /** Makes waiting and later calls fail. */
    public void abandon() {
        isAbandoned = true;
        barrier.reset();
    }
}
