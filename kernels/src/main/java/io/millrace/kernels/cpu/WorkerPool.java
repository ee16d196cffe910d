package io.millrace.kernels.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The fixed threads of one rank. A call's items are cut into parts, and each thread has a contiguous run of them; who is done takes
 * what others haven't begun, so that a thread whose core another process wants for a moment holds up one part and not the call. An
 * item's result never depends on who does it. The calling thread works, too. Threads spin for a while before they park, because the
 * next op mostly follows within microseconds.
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

    /** Parts of a call per thread, if they are large enough. */
    private static final int PARTS_PER_THREAD = 8;

    /** A further part must be worth so many times what wakes a thread: at one row of decode, ops take 10 µs and finer parts cost 7 %. */
    private static final int PART_WORTH = 4;

    /** Longs between the runs of two threads: no cache line is shared. */
    private static final int RUN_STRIDE = 16;

    private final Thread[] threads;
    private final int maxSpins;

    /** [thread · RUN_STRIDE]: a run's end in the upper 32 bits, its next part in the lower ones. Adding 1 claims that part if there is one. */
    private final AtomicLongArray runs;

    private final AtomicInteger numUnfinished = new AtomicInteger();
    private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();

    // Written by the caller before it fills the runs, read by whoever has claimed a part. While a claimed part is
    // unfinished the
    // caller waits, so nobody sees them change, even a thread that slept through a call and wakes in the next.
    private Work work = (from, to, worker) -> {};
    private int numItems;
    private int numParts = 1;
    private Thread caller = Thread.currentThread();
    private volatile int epoch;
    private volatile boolean isClosed;

    /** What the part threw. */
    private record Failure(int part, Throwable cause) {}

    /**
     * Starts the threads.
     *
     * @param numThreads the caller included, ≥ 1
     * @param firstNumber number in the first thread's name
     */
    WorkerPool(int numThreads, int firstNumber) {
        threads = new Thread[numThreads - 1];
        runs = new AtomicLongArray(numThreads * RUN_STRIDE);
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
     * Does items 0 … numItems − 1 and returns when all are done. The exception of the first failing part is thrown.
     *
     * @param minItems items that are worth a thread; fewer stay with the caller
     */
    void run(Work newWork, int newNumItems, int minItems) {
        if (isClosed) {
            throw new IllegalStateException("worker pool is closed: the back end was closed before its ops ended");
        }
        int parts = numParts(newNumItems / Math.max(1, minItems));
        if (parts <= 1) {
            if (newNumItems > 0) {
                newWork.run(0, newNumItems, 0);
            }
            return;
        }
        work = newWork;
        numItems = newNumItems;
        numParts = parts;
        caller = Thread.currentThread();
        numUnfinished.set(parts);
        for (int i = 0; i < numThreads(); i++) {
            runs.set(i * RUN_STRIDE, (long) firstPart(i + 1) << 32 | firstPart(i));
        }
        epoch++; // this thread alone writes it
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        runParts(0);
        for (int spins = 0; numUnfinished.get() > 0; spins++) {
            await(spins);
        }
        rethrow();
    }

    private int numParts(int worthThreads) {
        int threadsUsed = Math.min(numThreads(), worthThreads);
        return Math.max(threadsUsed, Math.min(threadsUsed * PARTS_PER_THREAD, worthThreads / PART_WORTH));
    }

    private int firstPart(int thread) {
        return numParts * thread / numThreads();
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
            seen = epoch;
            runParts(worker);
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

    /** Does this thread's parts, then what is left of the others'. */
    private void runParts(int worker) {
        for (int i = 0; i < numThreads(); i++) {
            int at = (worker + i) % numThreads() * RUN_STRIDE;
            for (long run = runs.getAndIncrement(at); (int) run < (int) (run >>> 32); run = runs.getAndIncrement(at)) {
                runPart((int) run, worker);
            }
        }
    }

    private void runPart(int part, int worker) {
        int from = (int) ((long) numItems * part / numParts);
        int to = (int) ((long) numItems * (part + 1) / numParts);
        try {
            work.run(from, to, worker);
        } catch (RuntimeException | Error e) { // handed to the caller by rethrow
            failure.accumulateAndGet(new Failure(part, e), (a, b) -> a != null && a.part <= b.part ? a : b);
        }
        if (numUnfinished.decrementAndGet() == 0) {
            LockSupport.unpark(caller);
        }
    }

    private void rethrow() {
        Failure first = failure.getAndSet(null);
        if (first == null) {
            return;
        }
        if (first.cause instanceof RuntimeException e) {
            throw e;
        }
        throw (Error) first.cause;
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
