package io.millrace.kernels.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The fixed threads of one rank. A call's items are cut into contiguous slices, one per thread, so nothing is stolen or queued;
 * the calling thread takes the first slice. Threads spin for a while before they park, because the next op mostly follows within
 * microseconds.
 *
 * <p>Thread: one caller at a time; {@link #close} may come from another once no call runs.
 */
final class WorkerPool implements AutoCloseable {
    /** One op's work. */
    interface Work {
        /**
         * Does the items {@code from} … {@code to} − 1.
         *
         * @param worker index of the executing thread, for its scratch; 0 … {@link #numThreads} − 1
         */
        void run(int from, int to, int worker);
    }

    /** Some tens of µs; none where threads outnumber cores, because then spinning keeps another one from working. */
    private static final int SPINS = 4_000;

    /** A few µs: with another process on the machine, the thread waited for may need this very core. */
    private static final int SPINS_PER_YIELD = 500;

    private final Thread[] threads;
    private final int maxSpins;
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicReferenceArray<@Nullable Throwable> failures;

    // Written by the caller before it bumps the epoch, read by the workers after they saw it.
    private Work work = (from, to, worker) -> {};
    private int numItems;
    private int numSlices = 1;
    private Thread caller = Thread.currentThread();
    private volatile int epoch;
    private volatile boolean isClosed;

    /**
     * Starts the threads.
     *
     * @param numThreads the caller included, ≥ 1
     * @param firstNumber number in the first thread's name
     */
    WorkerPool(int numThreads, int firstNumber) {
        threads = new Thread[numThreads - 1];
        failures = new AtomicReferenceArray<>(numThreads);
        maxSpins = numThreads <= Runtime.getRuntime().availableProcessors() ? SPINS : 0;
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] = new Thread(() -> loop(worker), "millrace-cpu-" + (firstNumber + i));
            threads[i].setDaemon(true);
            threads[i].start();
        }
    }

    /** Returns the number of threads, the caller included. */
    int numThreads() {
        return threads.length + 1;
    }

    /**
     * Does items 0 … numItems − 1 and returns when all are done. The first failing slice's exception is thrown.
     *
     * @param minItems items that are worth a thread; fewer stay with the caller
     */
    void run(Work newWork, int newNumItems, int minItems) {
        if (isClosed) {
            throw new IllegalStateException("worker pool is closed: the back end was closed before its ops ended");
        }
        int slices = Math.min(numThreads(), newNumItems / Math.max(1, minItems));
        if (slices <= 1) {
            if (newNumItems > 0) {
                newWork.run(0, newNumItems, 0);
            }
            return;
        }
        work = newWork;
        numItems = newNumItems;
        numSlices = slices;
        caller = Thread.currentThread();
        pending.set(threads.length);
        epoch++; // this thread alone writes it
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        runSlice(0);
        for (int spins = 0; pending.get() > 0; spins++) {
            await(spins);
        }
        rethrow();
    }

    private void loop(int worker) {
        int seen = 0;
        while (true) {
            for (int spins = 0; epoch == seen && !isClosed; spins++) {
                await(spins);
            }
            if (isClosed) {
                return;
            }
            seen++;
            runSlice(worker);
            if (pending.decrementAndGet() == 0) {
                LockSupport.unpark(caller);
            }
        }
    }

    /** Waits a little: at first on the core, then giving it up to whoever wants it, in the end parked. */
    private void await(int spins) {
        if (spins >= maxSpins) {
            LockSupport.park(this);
        } else if (spins % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
            Thread.yield();
        } else {
            Thread.onSpinWait();
        }
    }

    private void runSlice(int worker) {
        if (worker >= numSlices) {
            return;
        }
        int from = (int) ((long) numItems * worker / numSlices);
        int to = (int) ((long) numItems * (worker + 1) / numSlices);
        try {
            work.run(from, to, worker);
        } catch (RuntimeException | Error e) { // handed to the caller by rethrow
            failures.set(worker, e);
        }
    }

    private void rethrow() {
        Throwable first = null;
        for (int i = 0; i < failures.length(); i++) {
            Throwable failure = failures.getAndSet(i, null);
            if (first == null) {
                first = failure;
            }
        }
        if (first instanceof RuntimeException) {
            throw (RuntimeException) first;
        }
        if (first != null) {
            throw (Error) first;
        }
    }

    /** Ends the threads and waits for them. */
    @Override
    public void close() {
        isClosed = true;
        boolean isInterrupted = false;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    isInterrupted = true;
                }
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
