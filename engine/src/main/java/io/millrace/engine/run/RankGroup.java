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
 * to give up, and nothing runs here any more. A single rank has the caller's thread. Thread: one at a time that opens, calls and closes.
 */
public final class RankGroup implements AutoCloseable {
    private final Backend backend;
    private final ParallelPlan plan;
    private final List<Rank> ranks;
    private final List<ExecutorService> executors = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    private RankGroup(Backend backend, ParallelPlan plan, List<Rank> ranks) {
        this.backend = backend;
        this.plan = plan;
        this.ranks = ranks;
        for (int i = 0; ranks.size() > 1 && i < ranks.size(); i++) {
            String name = "millrace-rank-" + i;
            executors.add(Executors.newSingleThreadExecutor(task -> {
                Thread thread = new Thread(task, name);
                thread.setDaemon(true);
                threads.add(thread); // by the thread that opens or calls
                return thread;
            }));
        }
    }

    /**
     * Opens a plan's ranks on a back end, which is closed with them, also if this fails.
     *
     * @throws DeviceException with what is missing and how to get it
     */
    public static RankGroup open(Backend backend, ParallelPlan plan) {
        try {
            return new RankGroup(backend, plan, backend.open(plan));
        } catch (RuntimeException | Error e) {
            backend.close();
            throw e;
        }
    }

    /** What each rank does. */
    public interface Turn {
        /**
         * Does it.
         *
         * @param group the rank's, from 0: whose requests it attends to
         */
        void take(Rank rank, int group);
    }

    /** Returns the back end's name. */
    public String backendName() {
        return backend.name();
    }

    /** Returns the plan. */
    public ParallelPlan plan() {
        return plan;
    }

    /** Waits until every rank's kernels run at full speed. */
    public void awaitReady() {
        forEachRank((rank, group) -> rank.device().awaitReady());
    }

    /** Returns the first rank of each group, which draws for it. */
    public List<Rank> firstOfGroups() {
        return ranks.stream().filter(this::isFirstOfGroup).toList();
    }

    boolean isFirstOfGroup(Rank rank) {
        return rank.index() % plan.tp() == 0;
    }

    /** As {@link #onEachRank}, without results. */
    void forEachRank(Turn turn) {
        List<Boolean> unused = onEachRank(rank -> {
            turn.take(rank, rank.index() / plan.tp());
            return true;
        });
    }

    /**
     * Runs a task on every rank's thread and returns the results in rank order. Comes back when all ranks have ended it, also if it is
     * interrupted: then they are, too.
     *
     * @throws DeviceException if a rank failed: the first one's failure, not of those who gave up for it
     */
    public <T> List<T> onEachRank(Function<Rank, T> task) {
        if (ranks.size() == 1) {
            return List.of(task.apply(ranks.get(0)));
        }
        List<Future<T>> running = new ArrayList<>();
        Failure failure = new Failure();
        for (Rank rank : ranks) {
            running.add(executors.get(rank.index()).submit(() -> {
                try {
                    return task.apply(rank);
                } catch (RuntimeException | Error e) { // handed to the caller by rethrow
                    failure.keepFirst(e);
                    rank.collective().abandon();
                    throw e;
                }
            }));
        }
        List<T> results = new ArrayList<>();
        boolean isInterrupted = false;
        for (Future<T> future : running) {
            isInterrupted |= await(future, results, failure);
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
            throw new DeviceException("interrupted while the ranks ran");
        }
        failure.rethrow();
        return results;
    }

    /** Waits for one rank; returns whether that was interrupted. */
    private <T> boolean await(Future<T> future, List<T> results, Failure failure) {
        boolean isInterrupted = false;
        while (true) {
            try {
                results.add(future.get());
                return isInterrupted;
            } catch (ExecutionException e) {
                failure.keepFirst(new DeviceException("a rank failed", e)); // where its own isn't kept yet
                return isInterrupted;
            } catch (InterruptedException e) {
                isInterrupted = true;
                ranks.get(0).collective().abandon();
                threads.forEach(Thread::interrupt);
            }
        }
    }

    private void awaitEnd() {
        try {
            for (Thread thread : threads) {
                thread.join(TimeUnit.MINUTES.toMillis(1));
                if (thread.isAlive()) {
                    throw new DeviceException(thread.getName() + " didn't end within 1 minute: restart the process");
                }
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
        executors.forEach(ExecutorService::shutdown);
        awaitEnd();
        backend.close();
    }
}
