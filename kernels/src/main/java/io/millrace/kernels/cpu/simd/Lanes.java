package io.millrace.kernels.cpu.simd;

/**
 * The primitive loops of the cpu back end. Every implementation gives the same bits: elementwise operations are the same
 * sequence of IEEE operations, reductions run in {@value #SUM_LANES} logical lanes (lane l takes the elements l, l + 16, …) that
 * {@link #fold} adds by halves, and products accumulate along k in ascending order with one fma a step.
 *
 * <p>Stateless; any thread.
 */
public interface Lanes extends AutoCloseable {
    /** Logical lanes of a reduction, at every vector width. */
    int SUM_LANES = 16;

    /** Output rows of a weight panel. */
    int PANEL_ROWS = 64;

    /** Columns that share a block scale; products are accumulated per block. */
    int BLOCK = 128;

    /** Power of two by which widened e4m3 codes are too small: 2⁻¹²⁰. Half of it goes into the activations, half into the scales. */
    float HALF_WIDENING = 0x1p60f;

    /** Returns {@code scalar} or the vector width in bits. */
    String name();

    /** Returns how many of {@code rows} ≥ 1 rows of activations the next tile should take: one of the sizes {@link #multiply} has. */
    int tileRows(int rows);

    /** Returns how many panels a tile of that many rows should take: several where one stream of weights is slower than memory. */
    int tilePanels(Tile.Format format, int tileRows);

    /**
     * Multiplies the tile's panels with {@code rows} rows of activations: per block of {@value #BLOCK} k in ascending order
     * {@code a = 0; a = fma(w, x, a) for k ascending; acc = fma(a, scale, acc)}.
     *
     * @param tile of 1 panel or {@link #tilePanels} of them
     * @param rows what {@link #tileRows} returned
     */
    void multiply(Tile tile, int rows);

    /** {@code keys.weights[start_h + i] = Σ_j q[qStart + h · qStep + j] · key_i[j]} for each head, i in keys.from … keys.to − 1, j &lt; count. */
    void dots(Keys keys, float[] q, int qStart, int qStep, int count);

    /** {@code out[outStart + h · outStep + j] = fma(keys.weights[start_h + i], key_i[j], …)} from zero for each head, i ascending in keys.from … keys.to − 1, j &lt; count. */
    void weightedSums(Keys keys, float[] out, int outStart, int outStep, int count);

    /**
     * Returns {@code Σ x²}.
     *
     * @param lanes [16] f32 scratch
     */
    float sumSquares(float[] x, int start, int count, float[] lanes);

    /**
     * Returns {@code Σ x}.
     *
     * @param lanes [16] f32 scratch
     */
    float sum(float[] x, int start, int count, float[] lanes);

    /** Returns the largest element as {@link Math#max} has it (NaN if there is one); −∞ if count is 0. */
    float max(float[] x, int start, int count);

    /** {@code out = exp(x − shift)}; see {@link ScalarLanes#exp(float)}. */
    void expMinus(float[] out, int outStart, float[] x, int start, int count, float shift);

    /** {@code out = exp(−x)}. */
    void expNegated(float[] out, int outStart, float[] x, int start, int count);

    /** Waits until the loops run at their full speed; at once where they always do. */
    default void awaitReady() {}

    /** Ends the threads of an implementation that has any. */
    @Override
    default void close() {}

    /** Adds 16 lanes by halves: 8 + 8, 4 + 4, 2 + 2, 1 + 1. Written out, because as a loop it took as long as the dot before it. */
    static float fold(float[] lanes, int start) {
        float a = lanes[start] + lanes[start + 8];
        float b = lanes[start + 1] + lanes[start + 9];
        float c = lanes[start + 2] + lanes[start + 10];
        float d = lanes[start + 3] + lanes[start + 11];
        float e = lanes[start + 4] + lanes[start + 12];
        float f = lanes[start + 5] + lanes[start + 13];
        float g = lanes[start + 6] + lanes[start + 14];
        float h = lanes[start + 7] + lanes[start + 15];
        return ((a + e) + (c + g)) + ((b + f) + (d + h));
    }
}
