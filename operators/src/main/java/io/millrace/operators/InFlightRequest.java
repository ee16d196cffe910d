package io.millrace.operators;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.Submission;
import io.millrace.schemas.Prompt;
import java.util.concurrent.ScheduledFuture;
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

    long sequence;
    boolean isDeadlinePassed;

    @Nullable
    Submission submission;

    @Nullable
    ScheduledFuture<?> deadlineTimer;

    InFlightRequest(JournalEntry entry, Prompt prompt, EngineRequest request) {
        this.entry = entry;
        this.prompt = prompt;
        this.request = request;
        this.resumedTokens = entry.numTokens();
    }

    boolean isDone() {
        return entry.samples().stream().allMatch(SampleProgress::isDone);
    }

    int valueBytes() {
        byte[] value = entry.record().value;
        return value == null ? 0 : value.length;
    }
}
