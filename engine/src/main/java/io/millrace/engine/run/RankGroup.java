package io.millrace.engine.run;

import io.millrace.kernels.Backend;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The ranks of a plan, each on a thread of its own, in lockstep: what one waits for, the others give. If one fails, the others are told
 * to give up, and nothing runs here any more. Thread: one that opens, calls and closes.
 */
public final class RankGroup implements AutoCloseable {
    private final Backend backend;
    private final List<Rank> ranks;
    private final List<ExecutorService> threads = new ArrayList<>();

    private RankGroup(Backend backend, List<Rank> ranks) {
        this.backend = backend;
        this.ranks = ranks;
        for (Rank rank : ranks) {
            threads.add(Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task, "millrace-rank-" + rank.index());
                thread.setDaemon(true);
                return thread;
            }));
        }
    }

    /**
     * Opens a plan's ranks on a back end, which is closed with them.
     *
     * @throws DeviceException with what is missing and how to get it
     */
    public static RankGroup open(Backend backend, ParallelPlan plan) {
        return new RankGroup(backend, backend.open(plan));
    }

    /**
     * Runs a task on every rank's thread and returns the results in rank order.
     *
     * @throws DeviceException if a rank failed: the first one's failure, not of those who gave up for it
     */
    public <T> List<T> onEachRank(Function<Rank, T> task) {
        List<Future<T>> running = new ArrayList<>();
        Failure failure = new Failure();
        for (Rank rank : ranks) {
            running.add(threads.get(rank.index()).submit(() -> {
                try {
                    return task.apply(rank);
                } catch (RuntimeException | Error e) {
                    failure.keepFirst(e);
                    rank.collective().abandon();
                    throw e;
                }
            }));
        }
        List<T> results = new ArrayList<>();
        for (Future<T> future : running) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                failure.keepFirst(new DeviceException("a rank failed", e)); // where its own isn't kept yet
            } catch (InterruptedException e) {
                ranks.get(0).collective().abandon();
                Thread.currentThread().interrupt();
                throw new DeviceException("interrupted while the ranks ran", e);
            }
        }
        failure.rethrow();
        return results;
    }

    private static void awaitEnd(ExecutorService thread) {
        try {
            if (!thread.awaitTermination(1, TimeUnit.MINUTES)) {
                throw new DeviceException("a rank's thread didn't end within 1 minute: restart the process");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DeviceException("interrupted while the ranks ended", e);
        }
    }

    /** What the first rank that failed threw. Any thread. */
    private static final class Failure {
        private @Nullable Throwable first;

        synchronized void keepFirst(Throwable t) {
            first = first == null ? t : first;
        }

        synchronized void rethrow() {
            if (first instanceof RuntimeException e) {
                throw e;
            }
            if (first instanceof Error e) {
                throw e;
            }
        }
    }

    @Override
    public void close() {
        ranks.get(0).collective().abandon(); // where a rank still waits for another
        for (ExecutorService thread : threads) {
            thread.shutdown();
            awaitEnd(thread);
        }
        backend.close();
    }
}
