package io.millrace.kernels;

import org.jspecify.annotations.Nullable;

/**
 * How to draw one token for each of S rows. Host arrays that the caller reuses from step to step, once {@link Ops#drawStaged} has
 * returned.
 *
 * <p>The draw is {@code argmax_v(logit_v / temperature + gumbel_v)} over the kept tokens with Philox4x32-10 noise, key = seed,
 * counter = (v / 4, position, sampleIndex, 1), lane v mod 4; ties go to the lower id. Order: bias and penalties, allowed tokens,
 * temperature, min-p, top-k, top-p.
 */
public final class SamplingBatch {
    /** Rows in use. */
    public int numRows;
    /** Ids ≥ this are padding rows of the head and never drawn. */
    public int numTokens;
    /** [S] 0 = greedy: argmax after penalties, lowest id on ties. */
    public final float[] temperature;
    /** [S] keep the k largest and everything equal to the k-th; 0 = off. */
    public final int[] topK;
    /** [S] (0, 1]; 1 = off. */
    public final float[] topP;
    /** [S] drop tokens with probability below minP · the largest; 0 = off. */
    public final float[] minP;
    /** [S] Philox key. */
    public final long[] seed;
    /** [S] index of the drawn token in the sequence's output. */
    public final int[] position;
    /** [S] which of a request's n samples. */
    public final int[] sampleIndex;
    /** [S] penalties and bias of the row, or null. */
    public final @Nullable TokenPenalties[] penalties;

    /**
     * [S][numTokens / 64] tokens that may be drawn, bit id % 64 of word id / 64; null = all. Not changed and not kept by a back end.
     */
    public final long[] @Nullable [] allowed;

    /** Makes a batch for at most {@code maxRows} rows. */
    public SamplingBatch(int maxRows) {
        temperature = new float[maxRows];
        topK = new int[maxRows];
        topP = new float[maxRows];
        minP = new float[maxRows];
        seed = new long[maxRows];
        position = new int[maxRows];
        sampleIndex = new int[maxRows];
        penalties = new TokenPenalties[maxRows];
        allowed = new long[maxRows][];
    }
}
