package io.millrace.engine.schedule;

/**
 * How many prompt tokens a step still takes: {@code max-num-batched-tokens} less the decode rows, which always run. Thread: the
 * engine loop only.
 */
final class PrefillBudget {
    private final int maxNumBatchedTokens;
    private int left;

    PrefillBudget(int maxNumBatchedTokens) {
        this.maxNumBatchedTokens = maxNumBatchedTokens;
    }

    void startStep() {
        left = maxNumBatchedTokens;
    }

    void spendDecodeRows(int count) {
        left = Math.max(0, left - count);
    }

    /** Returns the tokens of the next chunk: as many of {@code missing} as are left, and takes them. */
    int takeChunk(int missing) {
        int chunk = Math.min(missing, left);
        left -= chunk;
        return chunk;
    }

    boolean isSpent() {
        return left == 0;
    }
}
