package io.millrace.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens to a submitted request, in order, on the engine's thread. */
public sealed interface EngineEvent {
    /**
     * New tokens of one sample. Kept tokens of a resumed request don't come again.
     *
     * @param sampleIndex which of the n samples
     * @param tokenIds new ids, the end token included
     * @param logprobs one per id when asked for, else null
     * @param reasoningDelta new whole characters of the reasoning, maybe empty
     * @param contentDelta new whole characters of the answer, maybe empty
     * @param reasoningOffset UTF-16 chars of the reasoning before this delta, those of kept tokens included
     * @param contentOffset as many of the answer
     */
    @SuppressWarnings("ArrayRecordComponent") // written once, compared by nobody
    record Delta(
            int sampleIndex,
            int[] tokenIds,
            @Nullable List<TokenLogprobs> logprobs,
            String reasoningDelta,
            String contentDelta,
            int reasoningOffset,
            int contentOffset)
            implements EngineEvent {}

    /**
     * One sample is complete. A request is over when all its n samples are.
     *
     * @param sampleIndex which of the n samples
     * @param reason why it ended
     * @param reasoning the whole reasoning, null if the model had none
     * @param content the whole answer, null if it ended inside its reasoning
     * @param text everything as one string, special end token left out
     * @param tokenIds all generated ids, kept ones and the end token included
     * @param reasoningTokens how many of them belong to the reasoning
     * @param stats counts and times
     */
    @SuppressWarnings("ArrayRecordComponent") // written once, compared by nobody
    record Finished(
            int sampleIndex,
            FinishReason reason,
            @Nullable String reasoning,
            @Nullable String content,
            String text,
            int[] tokenIds,
            int reasoningTokens,
            SampleStats stats)
            implements EngineEvent {}

    /**
     * The log-probabilities of given tokens are complete, see {@link Scoring}; once for a request, by its first sample and ahead of
     * that one's next draw. After a resume it comes again.
     *
     * @param logprobs one per scored token, in order
     */
    record Scored(List<TokenLogprobs> logprobs) implements EngineEvent {}

    /** The whole request ends in the dead letters. */
    record Rejected(RejectedException cause) implements EngineEvent {}

    /**
     * Counts and times of one sample.
     *
     * @param promptTokenIds the rendered prompt
     * @param cachedTokens prompt tokens found in the prefix cache
     * @param keptTokens generated before a failure and not again
     * @param regeneratedTokens computed a second time as KV only (kept tokens after a resume, all tokens after a preemption)
     * @param draftTokens drafts verified
     * @param acceptedTokens drafts accepted
     * @param ttftNanos submit to the first new token; 0 if none was made
     * @param totalNanos submit to finish
     */
    @SuppressWarnings("ArrayRecordComponent") // written once, compared by nobody
    record SampleStats(
            int[] promptTokenIds,
            int cachedTokens,
            int keptTokens,
            int regeneratedTokens,
            int draftTokens,
            int acceptedTokens,
            long ttftNanos,
            long totalNanos) {}
}
