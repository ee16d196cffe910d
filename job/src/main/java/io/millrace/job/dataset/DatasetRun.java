package io.millrace.job.dataset;

import io.millrace.engine.RejectedException;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Draws samples for every row that isn't done yet, and hands over each row that is. Memory: the rows under way, and the places of
 * those in unwritten shards. Thread: the caller's; engine and verifiers only fill {@link #outcomes}.
 */
final class DatasetRun {
    private final DatasetPlan plan;
    private final Verifier verifier;
    private final Generator generator;
    private final Shards shards;
    private final int maxInFlight;

    private final LinkedBlockingQueue<Judgement> outcomes = new LinkedBlockingQueue<>();
    private final Set<RowLoop> wanting = new LinkedHashSet<>(); // those that want an attempt, in the order of asking
    private long spentTokens;
    private long numRowsRead;
    private int numInFlight;
    private boolean isInputAtEnd;

    /**
     * Makes one.
     *
     * @param maxInFlight attempts under way at most
     */
    DatasetRun(DatasetPlan plan, Verifier verifier, Generator generator, Shards shards, int maxInFlight) {
        this.plan = plan;
        this.verifier = verifier;
        this.generator = generator;
        this.shards = shards;
        this.maxInFlight = maxInFlight;
        this.spentTokens = shards.completionTokens();
    }

    /** Called often, with the rows that are done. */
    interface Progress {
        /** That many rows of the input are done, those of earlier runs included. */
        void rows(long done);
    }

    /**
     * Runs to the end of the input or of the token budget.
     *
     * @throws RuntimeException the engine's, if it breaks
     */
    void execute(RowSource rows, Progress progress) throws IOException {
        AtomicInteger threadNumber = new AtomicInteger();
        int numThreads = Runtime.getRuntime().availableProcessors();
        ExecutorService verifiers = new ThreadPoolExecutor(
                numThreads,
                numThreads,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                r -> new Thread(r, "millrace-verify-" + threadNumber.getAndIncrement()),
                new ThreadPoolExecutor.DiscardPolicy()); // after a failure the engine may still call back
        try {
            long done = 0;
            while (true) {
                done += launch(rows, verifiers);
                progress.rows(done);
                if (numInFlight == 0) {
                    break;
                }
                done += take(outcomes.take());
            }
            shards.endAt(numRowsRead);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } finally {
            verifiers.shutdownNow();
        }
    }

    /** Starts attempts until enough are under way or there is nothing to start. Returns the rows that were done without any. */
    private long launch(RowSource rows, ExecutorService verifiers) throws IOException {
        long done = 0;
        while (numInFlight < maxInFlight && !isBudgetSpent()) {
            if (wanting.isEmpty()) {
                Row row = isInputAtEnd ? null : rows.next();
                if (row == null) {
                    isInputAtEnd = true;
                    return done;
                }
                numRowsRead++;
                done += begin(row);
                continue;
            }
            RowLoop loop = wanting.iterator().next();
            draw(loop, verifiers);
            if (!loop.wantsAttempt()) {
                wanting.remove(loop);
            }
        }
        return done + cutIfSpent();
    }

    private boolean isBudgetSpent() {
        return plan.maxTotalTokens() > 0 && spentTokens >= plan.maxTotalTokens();
    }

    /** Returns 1 if the row is done with that, else 0. */
    private int begin(Row row) throws IOException {
        if (shards.has(row.index())) {
            return 1;
        }
        try {
            wanting.add(new RowLoop(row, plan.columns().question(row), plan.policy()));
            return 0;
        } catch (RejectedException e) {
            shards.add(RowResult.bad(row, RowError.of(e)));
            return 1;
        }
    }

    private void draw(RowLoop loop, ExecutorService verifiers) {
        int attempt = loop.launch();
        numInFlight++;
        Question question = loop.question();
        generator.draw(
                question,
                attempt,
                AttemptSeeds.seed(plan.seed(), question.place(), attempt),
                outcome -> verifiers.execute(() -> outcomes.add(Judgement.of(verifier, loop, outcome))));
    }

    /** Returns 1 if the row is done with that, else 0. */
    private int take(Judgement judged) throws IOException {
        numInFlight--;
        RowLoop loop = judged.loop();
        if (judged.outcome() instanceof Generator.Outcome.Drawn drawn) {
            spentTokens += drawn.sample().completionTokens();
        }
        judged.end();
        if (isBudgetSpent()) {
            loop.cut();
        }
        if (loop.wantsAttempt()) {
            wanting.add(loop);
        } else {
            wanting.remove(loop);
        }
        return addIfDone(loop);
    }

    private int addIfDone(RowLoop loop) throws IOException {
        if (!loop.isDone()) {
            return 0;
        }
        shards.add(loop.result());
        return 1;
    }

    /** Ends the rows that wait for an attempt when none may start any more. Returns how many were done with that. */
    private long cutIfSpent() throws IOException {
        if (!isBudgetSpent()) {
            return 0;
        }
        long done = 0;
        for (RowLoop loop : wanting) {
            loop.cut();
            done += addIfDone(loop);
        }
        wanting.clear();
        return done;
    }

    /** Returns the rows that were read: all of the input, unless the token budget ended before. */
    long numRowsRead() {
        return numRowsRead;
    }
}
