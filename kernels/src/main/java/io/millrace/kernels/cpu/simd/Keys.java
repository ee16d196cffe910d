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
    /** Heads at work; head h's weight of key 0 is at h · {@link #maxKeys}. */
    public int heads = 1;
    /** Room for keys. */
    public final int maxKeys;
    /** [16, 16] f32 scratch for reductions. */
    public final float[] lanes = new float[16 * Lanes.SUM_LANES];

    /** Makes room for {@code maxKeys} keys and {@code maxHeads} heads. */
    public Keys(int maxKeys, int maxHeads) {
        this.maxKeys = maxKeys;
        starts = new int[maxKeys];
        weights = new float[maxKeys * maxHeads];
    }
}
