package io.millrace.operators;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.Submission;
import io.millrace.schemas.Prompt;
import java.util.Arrays;
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

    @Nullable
    Submission submission;

    InFlightRequest(JournalEntry entry, Prompt prompt, EngineRequest request) {
        this.entry = entry;
        this.prompt = prompt;
        this.request = request;
        this.resumedTokens = entry.numTokens();
        this.partials =
                new PartialEncoder.Pending[prompt.isStream() ? entry.samples().size() : 0];
        Arrays.setAll(partials, i -> new PartialEncoder.Pending());
    }

    boolean isDone() {
        return entry.samples().stream().allMatch(SampleProgress::isDone);
    }

    int valueBytes() {
        byte[] value = entry.record().value;
        return value == null ? 0 : value.length;
    }
}
