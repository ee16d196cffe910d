package io.millrace.kernels.cpu.simd;

/** A run of cached keys and one weight for each: arguments of {@link Lanes#dots}, reused. Owner: one worker thread. */
public final class Keys {
    /** Pages f32. */
    public float[] pages = {};
    /** First element of each key in the pages. */
    public final int[] starts;
    /** First key that counts. */
    public int from;
    /** End of the keys that count. */
    public int to;
    /** Scores or probabilities, of several heads. */
    public final float[] weights;
    /** Where key 0's weight lies for the head that is at work. */
    public int weightStart;
    /** [4, 16] f32 scratch for reductions. */
    public final float[] lanes = new float[4 * Lanes.SUM_LANES];

    /** Makes room for {@code maxKeys} keys and {@code maxHeads} heads. */
    public Keys(int maxKeys, int maxHeads) {
        starts = new int[maxKeys];
        weights = new float[maxKeys * maxHeads];
    }
}
