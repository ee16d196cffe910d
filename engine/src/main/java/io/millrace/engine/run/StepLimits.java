package io.millrace.engine.run;

import io.millrace.engine.schedule.Scheduler;

/**
 * Sizes of the largest step.
 *
 * @param numBatchedTokens tokens that the scheduler plans at most, decode rows excepted
 * @param maxSeqs sequences
 * @param maxPages pages of a sequence
 * @param numDraftTokens drafts of a sequence, 0 = none
 */
public record StepLimits(int numBatchedTokens, int maxSeqs, int maxPages, int numDraftTokens) {

    /** Returns one group's, as the scheduler shares them out. */
    public StepLimits share(int numGroups) {
        return new StepLimits(
                Scheduler.share(numBatchedTokens, numGroups),
                Scheduler.share(maxSeqs, numGroups),
                maxPages,
                numDraftTokens);
    }

    /** Returns the rows that need logits: every sequence draws one token, and one behind each draft. */
    public int maxLogitRows() {
        return maxSeqs * (1 + numDraftTokens);
    }

    /** Returns the rows: decode rows and their drafts always run. */
    public int maxTokens() {
        return Math.max(numBatchedTokens, maxLogitRows());
    }
}
