package io.millrace.job.dataset;

import io.millrace.engine.EngineHost;
import io.millrace.engine.RejectedException;
import io.millrace.job.dataset.Generator.Outcome;
import io.millrace.operators.BatchSettings;
import io.millrace.operators.WireRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.jspecify.annotations.Nullable;

/**
 * A row's samples, drawn on the engine of the task manager: a line in, the lines of the output with their kinds out. A {@link RowLoop} is
 * guarded by itself: its attempts end on the verifiers' threads.
 *
 * <p>A row that is under way at a checkpoint is in Flink's state as its line, and is begun anew after a failure.
 */
final class RowFunction extends RichAsyncFunction<WireRecord, Tuple2<String, String>> {
    private static final long serialVersionUID = 1L;

    static final String DATA = "data";
    static final String ERRORS = "errors";
    static final String REJECTED = "rejected";

    private final DatasetPlan plan;
    private final BatchSettings settings;
    private transient @Nullable Engines engines;

    /** What an open function has. */
    private record Engines(EngineHost.Lease lease, Generator generator, Verifier verifier, ExecutorService threads) {}

    RowFunction(DatasetPlan plan, BatchSettings settings) {
        this.plan = plan;
        this.settings = settings;
    }

    @Override
    public void open(OpenContext context) {
        Verifier verifier = Verifiers.of(plan.verify(), plan.verifyTimeout());
        EngineHost.Lease lease = EngineHost.acquire(settings.engineConfig());
        ExecutorService threads = Executors.newFixedThreadPool(
                Runtime.getRuntime().availableProcessors(), r -> new Thread(r, "millrace-verify"));
        engines = new Engines(lease, new EngineGenerator(lease), verifier, threads);
    }

    @Override
    public void asyncInvoke(WireRecord line, ResultFuture<Tuple2<String, String>> result) {
        Row row = JsonlRows.row(line, line.offset - 1, settings.maxRequestBytes());
        try {
            RowLoop loop = new RowLoop(row, plan.columns().question(row), plan.policy());
            int[] attempts;
            synchronized (loop) {
                attempts = launch(loop);
            }
            draw(loop, attempts, result);
        } catch (RejectedException e) {
            result.complete(lines(RowResult.bad(row, RowError.of(e))));
        }
    }

    private static int[] launch(RowLoop loop) {
        List<Integer> attempts = new ArrayList<>();
        while (loop.wantsAttempt()) {
            attempts.add(loop.launch());
        }
        return attempts.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Draws attempts [·] of a row. */
    private void draw(RowLoop loop, int[] attempts, ResultFuture<Tuple2<String, String>> result) {
        Engines e = engines;
        if (e == null) {
            return; // the task is closing: nobody waits any more
        }
        Question question = loop.question();
        for (int attempt : attempts) {
            long seed = AttemptSeeds.seed(plan.seed(), question.place(), attempt);
            e.generator.draw(question, attempt, seed, outcome -> {
                if (engines != null) {
                    e.threads.execute(() -> take(Judgement.of(e.verifier, loop, outcome), result));
                }
            });
        }
    }

    private void take(Judgement judged, ResultFuture<Tuple2<String, String>> result) {
        if (judged.outcome() instanceof Outcome.Broken broken) {
            result.completeExceptionally(broken.cause());
            return;
        }
        RowLoop loop = judged.loop();
        int[] attempts;
        RowResult done;
        synchronized (loop) {
            judged.end();
            attempts = launch(loop);
            done = loop.isDone() ? loop.result() : null;
        }
        if (done != null) {
            result.complete(lines(done));
        } else {
            draw(loop, attempts, result);
        }
    }

    private List<Tuple2<String, String>> lines(RowResult row) {
        List<Tuple2<String, String>> lines = new ArrayList<>();
        RowError error = row.error();
        try {
            if (error != null) {
                lines.add(Tuple2.of(ERRORS, RowJson.MAPPER.writeValueAsString(OutputRows.error(row, error))));
            }
            for (JudgedSample s : row.samples()) {
                if (s.isAccepted()) {
                    lines.add(Tuple2.of(DATA, RowJson.MAPPER.writeValueAsString(OutputRows.sample(row, s))));
                } else if (plan.isKeepRejected()) {
                    lines.add(Tuple2.of(REJECTED, RowJson.MAPPER.writeValueAsString(OutputRows.rejected(row, s))));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return lines;
    }

    @Override
    public void close() {
        Engines e = engines;
        engines = null;
        if (e != null) {
            e.threads.shutdownNow();
            e.lease.close();
        }
    }
}
