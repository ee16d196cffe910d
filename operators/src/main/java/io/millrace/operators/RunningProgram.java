package io.millrace.operators;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.FinishReason;
import io.millrace.engine.RejectedException;
import io.millrace.engine.program.Part;
import io.millrace.engine.program.PartResult;
import io.millrace.engine.program.Program;
import io.millrace.engine.program.ProgramRun;
import io.millrace.engine.program.Result;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request's program in this attempt: which of its parts run, and what comes next. What must survive a failure is in the journal's
 * samples, one for each part; all else follows from them. Thread: the mailbox.
 */
final class RunningProgram {
    private final Program program;
    private final List<SampleProgress> samples;
    private final BitSet running = new BitSet();
    private ProgramRun run;
    private boolean isLetIn;
    private boolean isCancelled;

    RunningProgram(Program program, JournalEntry entry) {
        this.program = program;
        this.samples = entry.samples();
        if (samples.size() != program.numParts()) {
            throw new IllegalStateException(
                    "the journal has " + samples.size() + " parts but the program has " + program.numParts());
        }
        isLetIn = samples.stream().anyMatch(s -> s.isDone() || s.numTokens() > 0);
        run = ProgramRun.of(program, this::result);
    }

    private @Nullable PartResult result(int part) {
        SampleProgress sample = samples.get(part);
        return sample.result() == null ? null : new PartResult(sample.result(), sample.logprobs());
    }

    /** Takes the parts that are to be begun now. */
    List<Part> takeReady() {
        List<Part> ready = new ArrayList<>();
        if (!isCancelled && !run.isCutOff()) {
            for (Part part : run.waiting()) {
                if (!running.get(part.index())) {
                    running.set(part.index());
                    ready.add(part);
                }
            }
        }
        return ready;
    }

    /** Returns a part's request; one of a program that has begun is never refused for lack of room. */
    EngineRequest request(Part part, EngineRequest whole) {
        int[] kept = samples.get(part.index()).tokenIds();
        return part.request(whole, isLetIn ? kept : null);
    }

    /**
     * Notes that a part has its result.
     *
     * @throws RejectedException if the program can't go on with it
     */
    void finished(int part) {
        running.clear(part);
        isLetIn = true;
        run = ProgramRun.of(program, this::result);
    }

    /** Returns why the program can't be answered, given why one of its parts can't. */
    RejectedException named(int part, RejectedException cause) {
        String name = run.waiting().stream()
                .filter(p -> p.index() == part)
                .map(Part::name)
                .findFirst()
                .orElse("part " + part);
        return new RejectedException(
                cause.stage(), cause.isRetriable(), "program, result " + name + ": " + cause.getMessage());
    }

    /** Begins nothing more. */
    void cancel() {
        isCancelled = true;
    }

    boolean isOver() {
        return running.isEmpty()
                && (isCancelled || run.isCutOff() || run.waiting().isEmpty());
    }

    /** Returns the results, in the program's order. */
    List<Result> results() {
        return run.done();
    }

    /** Returns why the program ended before its end, null if it didn't. */
    @Nullable
    FinishReason cutOff() {
        if (run.waiting().isEmpty() && !run.isCutOff()) {
            return null;
        }
        boolean isOverdue =
                samples.stream().anyMatch(s -> s.result() != null && s.result().reason() == FinishReason.DEADLINE);
        return isOverdue && !isCancelled ? FinishReason.DEADLINE : FinishReason.CANCELLED;
    }
}
