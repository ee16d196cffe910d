package io.millrace.engine.run;

/**
 * Sizes of the largest step.
 *
 * @param numBatchedTokens tokens that the scheduler plans at most, decode rows excepted
 * @param maxSeqs sequences
 * @param maxPages pages of a sequence
 * @param numDraftTokens drafts of a sequence, 0 = none
 */
public record StepLimits(int numBatchedTokens, int maxSeqs, int maxPages, int numDraftTokens) {

    /** Returns one group's share, rounded up, of what {@code numGroups} groups have together. */
    public StepLimits share(int numGroups) {
        return new StepLimits(
                ceilDiv(numBatchedTokens, numGroups), ceilDiv(maxSeqs, numGroups), maxPages, numDraftTokens);
    }

    private static int ceilDiv(int a, int b) {
        return (a - 1) / b + 1;
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
