package io.millrace.kernels.numeric;

/** Scaled e4m3: a value is {@code e4m3 code · scale of its block}. Any thread. */
public final class BlockScale {
    /** Columns of an activation group, rows and columns of a weight block. */
    public static final int BLOCK = 128;

    /** Floor of a group's largest absolute value, so that a group of zeros has a scale (DeepSeek-V3 inference code). */
    private static final float MIN_AMAX = 1e-4f;

    private BlockScale() {}

    /**
     * Quantises a group of activations: {@code scale = max(|x|, 1e-4) / 448, code = e4m3(x / scale)}.
     *
     * @param codes gets {@code count} codes at the same indices as x
     * @param x [·] f32
     * @return the group's scale
     */
    public static float quantizeGroup(byte[] codes, float[] x, int from, int count) {
        return quantizeGroup(codes, x, from, count, false);
    }

    /**
     * As {@link #quantizeGroup(byte[], float[], int, int)}, but the scale may be rounded up to a power of two.
     *
     * @param isPowerOfTwo {@code scale_fmt: ue8m0}
     */
    public static float quantizeGroup(byte[] codes, float[] x, int from, int count, boolean isPowerOfTwo) {
        float amax = MIN_AMAX;
        for (int i = from; i < from + count; i++) {
            amax = Math.max(amax, Math.abs(x[i]));
        }
        float scale = isPowerOfTwo ? ceilToPowerOfTwo(amax / E4m3.MAX) : amax / E4m3.MAX;
        for (int i = from; i < from + count; i++) {
            codes[i] = E4m3.encode(x[i] / scale);
        }
        return scale;
    }

    /** Returns the smallest power of two that isn't below x, a normal number > 0: a mantissa that isn't 0 carries into the exponent. */
    static float ceilToPowerOfTwo(float x) {
        return Float.intBitsToFloat(Float.floatToRawIntBits(x) + 0x7FFFFF & 0xFF800000);
    }

    /**
     * Quantises a weight in blocks of 128 × 128; blocks at the edges may be short.
     *
     * @param codes [rows, cols] e4m3, filled here
     * @param values [rows, cols] f32
     * @return scales [ceil(rows/128), ceil(cols/128)] f32
     */
    public static float[] quantizeMatrix(byte[] codes, float[] values, int rows, int cols) {
        int scaleCols = blocks(cols);
        float[] scales = new float[blocks(rows) * scaleCols];
        for (int i = 0; i < scales.length; i++) {
            int top = i / scaleCols * BLOCK;
            int left = i % scaleCols * BLOCK;
            scales[i] = quantizeBlock(codes, values, cols, top, left, Math.min(rows, top + BLOCK));
        }
        return scales;
    }

    /** Returns the blocks that {@code count} rows or columns take: the last one may be short. */
    public static int blocks(int count) {
        return (count + BLOCK - 1) / BLOCK;
    }

    private static float quantizeBlock(byte[] codes, float[] values, int cols, int top, int left, int bottom) {
        int right = Math.min(cols, left + BLOCK);
        float amax = MIN_AMAX;
        for (int r = top; r < bottom; r++) {
            for (int c = left; c < right; c++) {
                amax = Math.max(amax, Math.abs(values[r * cols + c]));
            }
        }
        float scale = amax / E4m3.MAX;
        for (int r = top; r < bottom; r++) {
            for (int c = left; c < right; c++) {
                codes[r * cols + c] = E4m3.encode(values[r * cols + c] / scale);
            }
        }
        return scale;
    }
}
