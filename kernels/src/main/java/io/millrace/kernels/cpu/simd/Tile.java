package io.millrace.kernels.cpu.simd;

/**
 * One weight panel, or a few that follow each other, and up to {@value #MAX_ROWS} rows of activations: the arguments of {@link Lanes#multiply}, reused. Owner: one
 * worker thread.
 *
 * <p>A panel is {@value Lanes#PANEL_ROWS} output rows by all K columns, column after column: 64 weights of column 0, then
 * those of column 1, and so on. Within a column they are ordered so that a register of 32-bit lanes widens in place: with lane l
 * of 16, e4m3 byte 4l + j is row 16j + l; bf16 short 32g + 2l + j is row 32g + 16j + l; f32 is in row order.
 */
public final class Tile {
    /** Rows of activations that a tile takes at most. */
    public static final int MAX_ROWS = 16;

    /** Panels that a tile takes at most. */
    public static final int MAX_PANELS = 2;

    /** How the panel's weights are stored. */
    public enum Format {
        /** {@link Tile#e4m3}; block scales hold 2⁶⁰, and so do the activations. */
        E4M3,
        /** {@link Tile#bf16}, no block scales. */
        BF16,
        /** {@link Tile#f32}, no block scales. */
        F32
    }

    /** Which of the three arrays counts. */
    public Format format = Format.F32;
    /** Codes, for {@link Format#E4M3}. */
    public byte[] e4m3 = {};
    /** Weights, for {@link Format#BF16}. */
    public short[] bf16 = {};
    /** Weights, for {@link Format#F32}. */
    public float[] f32 = {};
    /** The first panel's first element in that array. */
    public int start;
    /** Panels, P. */
    public int panels = 1;
    /** K, columns of the panel. */
    public int cols;
    /** One scale per 128 columns, from {@link #scaleStart}; for {@link Format#E4M3}. */
    public float[] scales = {};
    /** The first panel's first scale; the next panel's follow at once. */
    public int scaleStart;
    /** Of formats without block scales: 1, or 2⁻⁶⁰ where the activations hold 2⁶⁰; a power of two, so that it costs no bit. */
    public float scale = 1;
    /** Activations f32. */
    public float[] x = {};
    /** First element of each row of activations. */
    public final int[] rows = new int[MAX_ROWS];
    /** [128, 64] f32: one block of the panel in row order, for plain loops. */
    final float[] widened = new float[Lanes.BLOCK * Lanes.PANEL_ROWS];

    /** [P, rows, 64] f32: sums of one block. */
    final float[] sums = new float[MAX_ROWS * Lanes.PANEL_ROWS];

    /** [P, rows, 64] f32: results are added here. */
    public final float[] acc = new float[MAX_ROWS * Lanes.PANEL_ROWS];

    /** {@code acc = fma(sums, scale, acc)}, for the block that starts at column {@code k}. */
    void addSums(int numRows, int k) {
        int count = numRows * Lanes.PANEL_ROWS;
        int at = scaleStart + k / Lanes.BLOCK;
        for (int p = 0; p < panels; p++) {
            addScaled(p * count, count, format == Format.E4M3 ? scales[at] : scale);
            at += (cols + Lanes.BLOCK - 1) / Lanes.BLOCK;
        }
    }

    private void addScaled(int from, int count, float factor) {
        for (int i = from; i < from + count; i++) {
            acc[i] = Math.fma(sums[i], factor, acc[i]);
        }
    }
}
