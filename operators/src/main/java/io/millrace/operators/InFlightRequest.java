package io.millrace.operators;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.Submission;
import io.millrace.engine.TokenLogprobs;
import io.millrace.schemas.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request between its arrival and its completion: the journaled part and what belongs to this attempt only. Thread: the mailbox. */
final class InFlightRequest {
    final JournalEntry entry;
    final Prompt prompt;
    final EngineRequest request;
    /** Tokens that an earlier attempt made. */
    final int resumedTokens;
    /** {@link System#nanoTime} when this attempt took it. */
    final long takenNanos = System.nanoTime();

    /** By sample; empty if partials weren't asked for. */
    final PartialEncoder.Pending[] partials;

    long sequence;

    /** Of the prompt's own tokens; not journaled, they come again after a failure. */
    @Nullable
    List<TokenLogprobs> promptLogprobs;

    /** The request with its deadline, once it is submitted. */
    EngineRequest timed;

    /** Null if the prompt is none. */
    final @Nullable RunningProgram program;

    /** One, or one for each part of a program that was begun. */
    private final List<Submission> submissions = new ArrayList<>();

    InFlightRequest(JournalEntry entry, Prompt prompt, EngineRequest request) {
        this(entry, prompt, request, null);
    }

    InFlightRequest(JournalEntry entry, Prompt prompt, EngineRequest request, @Nullable RunningProgram program) {
        this.program = program;
        this.entry = entry;
        this.prompt = prompt;
        this.request = request;
        this.timed = request;
        this.resumedTokens = entry.numTokens();
        this.partials =
                new PartialEncoder.Pending[prompt.isStream() ? entry.samples().size() : 0];
        Arrays.setAll(partials, i -> new PartialEncoder.Pending());
    }

    boolean isDone() {
        return program != null ? program.isOver() : entry.samples().stream().allMatch(SampleProgress::isDone);
    }

    void submitted(Submission submission) {
        submissions.add(submission);
    }

    /** Ends it with what it has. */
    void cancel() {
        if (program != null) {
            program.cancel();
        }
        submissions.forEach(Submission::cancel);
    }

    /** Has the engine forget it. */
    void abandon() {
        submissions.forEach(Submission::abandon);
    }

    int valueBytes() {
        byte[] value = entry.record().value;
        return value == null ? 0 : value.length;
    }
}
