package io.millrace.kernels.cpu.simd;

import io.millrace.kernels.Ops;

/** A run of cached keys and one weight for each: arguments of {@link Lanes#dots}, reused. Owner: one worker thread. */
public final class Keys {
    /** Room for keys; fixed, so that one base register reaches the weights of several heads. */
    public static final int MAX_KEYS = Ops.ATTENTION_SPLIT_TOKENS;

    /** Pages f32. */
    public float[] pages = {};
    /** First element of each key in the pages. */
    public final int[] starts = new int[MAX_KEYS];
    /** First key that counts. */
    public int from;
    /** End of the keys that count. */
    public int to;
    /** Scores or probabilities, of several heads. */
    public final float[] weights;
    /** Heads at work; head h's weight of key 0 is at h · {@link #MAX_KEYS}. */
    public int heads = 1;
    /** [16, 16] f32 scratch for reductions. */
    public final float[] lanes = new float[16 * Lanes.SUM_LANES];

    /** [columns / 16, heads, 16] f32 scratch: the queries of a group of heads. */
    float[] queries = {};

    /** Makes room for {@code maxHeads} heads. */
    public Keys(int maxHeads) {
        weights = new float[MAX_KEYS * maxHeads];
    }

    void reserveQueries(int count) {
        if (queries.length < count) {
            queries = new float[count];
        }
    }
}
