package io.millrace.job.cli;

import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineMetrics;
import io.millrace.job.DatasetJob;
import io.millrace.job.DatasetRows;
import io.millrace.job.EmbeddedFlink;
import io.millrace.job.JobOptions;
import io.millrace.job.LineReader;
import io.millrace.job.MillraceJob;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.jspecify.annotations.Nullable;

/** One run of the dataset job in this process. SIGINT and SIGTERM save the progress first. Thread: the command's. */
final class GenerateRun {
    private static final long LOOK_MILLIS = 50;

    private final Terminal terminal;
    private final JobOptions options;
    private final DatasetFiles files;
    private final String resumeCommand;
    private final AtomicBoolean isInterrupted = new AtomicBoolean();

    /** What came out. */
    record Result(long numCompletions, long numErrors, long generationTokens, double seconds, boolean isResumed) {}

    GenerateRun(Terminal terminal, JobOptions options, DatasetFiles files, String resumeCommand) {
        this.terminal = terminal;
        this.options = options;
        this.files = files;
        this.resumeCommand = resumeCommand;
    }

    /** Runs the job to its end, unless that was done before, and puts the output together. */
    Result execute(@Nullable String restoreFrom) throws IOException {
        long startNanos = System.nanoTime();
        long numLines = countLines();
        EngineMetrics metrics = EngineHost.metrics();
        long tokensBefore = metrics.generationTokens.sum();
        boolean isResumed = restoreFrom != null || files.isFinished();
        if (!files.isFinished()) {
            runJob(restoreFrom, numLines);
            files.markFinished();
        }
        long numCompletions = DatasetRows.assemble(files.completionParts(), files.inputNames(), files::outputOf);
        long numErrors = DatasetRows.assemble(files.errorParts(), files.inputNames(), name -> files.errors());
        if (numCompletions + numErrors != numLines) {
            throw new IllegalStateException("the input has " + numLines + " rows but " + numCompletions
                    + " completions and " + numErrors + " errors came out");
        }
        long tokens = metrics.generationTokens.sum() - tokensBefore;
        return new Result(numCompletions, numErrors, tokens, (System.nanoTime() - startNanos) / 1e9, isResumed);
    }

    private void runJob(@Nullable String restoreFrom, long numLines) {
        try (EmbeddedFlink flink = EmbeddedFlink.start(
                MillraceJob.flinkSettings(options),
                env -> DatasetJob.build(
                        env, options, files.root(), files.inputs(), files.completionParts(), files.errorParts()),
                restoreFrom)) {
            Thread saver = new Thread(() -> save(flink), "millrace-save-progress");
            Runtime.getRuntime().addShutdownHook(saver);
            try {
                await(flink, numLines);
            } finally {
                if (!isInterrupted.get()) {
                    Runtime.getRuntime().removeShutdownHook(saver);
                }
            }
        }
    }

    private void await(EmbeddedFlink flink, long numLines) {
        EngineMetrics metrics = EngineHost.metrics();
        int numSamples = Math.max(1, options.find(JobOptions.N) == null ? 1 : options.get(JobOptions.N));
        long before = metrics.finished() + metrics.rejected.sum();
        ProgressBar bar = terminal.progress(numLines);
        CompletableFuture<JobResult> end = flink.result();
        while (true) {
            try {
                JobResult result = end.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                bar.clear();
                if (isInterrupted.get()) {
                    parkUntilExit();
                }
                JobFailure.check(result);
                return;
            } catch (TimeoutException e) {
                long done = metrics.finished() / numSamples + metrics.rejected.sum() - before;
                bar.update(done, Double.NaN);
                flink.throwIfMisconfigured();
            } catch (ExecutionException e) {
                throw new IllegalStateException("the job's end is unknown: " + e.getMessage(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }

    /** In the shutdown hook: the JVM ends when this returns. */
    private void save(EmbeddedFlink flink) {
        isInterrupted.set(true);
        try {
            flink.stopWithSavepoint(files.savepoints().toUri().toString());
            terminal.note("\nstopped, progress is saved; go on with: " + resumeCommand);
        } catch (IllegalStateException e) {
            terminal.note(
                    "\nstopped; the last checkpoint stays (" + e.getMessage() + "); go on with: " + resumeCommand);
        }
    }

    /** The JVM is ending and its exit code is the signal's: nothing may be reported or assembled any more. */
    private static void parkUntilExit() {
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private long countLines() throws IOException {
        long count = 0;
        for (Path input : files.inputs()) {
            try (LineReader lines =
                    new LineReader(new BufferedInputStream(Files.newInputStream(input), 1 << 16), "", 1 << 12)) {
                while (lines.next() != null) {
                    count++;
                }
            }
        }
        return count;
    }
}
