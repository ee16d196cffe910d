package io.millrace.kernels.cpu;

import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.cpu.simd.Tile;

/**
 * One matrix [rows, cols] as panels of 64 output rows (layout: {@link Tile}). Parts are padded to whole panels, so that a panel
 * lies in one part and under one row of scales. Immutable once filled; any thread.
 */
final class PackedMatrix {
    final Tile.Format format;
    final int rows;
    final int cols;
    /** {@code byte[]}, {@code short[]} or {@code float[]}: [panels, cols, 64] from {@link #start}; matrices of one weight may share it. */
    final Object weights;
    /** The first panel's first element in {@link #weights}. */
    final int start;
    /** [panels, ceil(cols / 128)] f32 · 2⁶⁰; empty if unscaled. */
    final float[] scales;
    /** Of formats without block scales: 1, or 2⁻⁶⁰ for activations that hold 2⁶⁰. */
    final float scale;
    /** First output row of each panel. */
    final int[] firstRow;
    /** Real rows of each panel, 1 … 64. */
    final int[] numRows;

    /** Makes one with an array of its own, for activations as they are. */
    PackedMatrix(Tile.Format format, int cols, int... partRows) {
        this(format, newArray(format, numElements(cols, partRows)), 0, 1, cols, partRows);
    }

    /** Makes one inside an array, where {@link #numElements} elements from {@code start} are its own. */
    PackedMatrix(Tile.Format format, Object weights, int start, float scale, int cols, int... partRows) {
        this.format = format;
        this.scale = scale;
        this.weights = weights;
        this.start = start;
        this.cols = cols;
        int panels = 0;
        int total = 0;
        for (int part : partRows) {
            panels += panels(part);
            total = Math.addExact(total, part);
        }
        rows = total;
        firstRow = new int[panels];
        numRows = new int[panels];
        int panel = 0;
        int partStart = 0;
        for (int part : partRows) {
            for (int r = 0; r < part; r += Lanes.PANEL_ROWS) {
                firstRow[panel] = partStart + r;
                numRows[panel++] = Math.min(Lanes.PANEL_ROWS, part - r);
            }
            partStart += part;
        }
        scales = format == Tile.Format.E4M3 ? new float[panels * scaleCols()] : new float[0];
    }

    /** Returns the elements of a matrix of these parts, padding included. */
    static int numElements(int cols, int... partRows) {
        int panels = 0;
        for (int part : partRows) {
            panels += panels(part);
        }
        return Math.multiplyExact(panels, Math.multiplyExact(cols, Lanes.PANEL_ROWS));
    }

    private static Object newArray(Tile.Format format, int count) {
        return format == Tile.Format.E4M3
                ? new byte[count]
                : format == Tile.Format.BF16 ? new short[count] : new float[count];
    }

    static int panels(int rows) {
        return (rows + Lanes.PANEL_ROWS - 1) / Lanes.PANEL_ROWS;
    }

    /** Returns the scales of a panel. */
    int scaleCols() {
        return (cols + Lanes.BLOCK - 1) / Lanes.BLOCK;
    }

    int numPanels() {
        return firstRow.length;
    }

    /** Points the tile at a panel. */
    void load(Tile tile, int panel) {
        tile.format = format;
        tile.scale = scale;
        tile.cols = cols;
        tile.start = start + panel * cols * Lanes.PANEL_ROWS;
        switch (format) {
            case E4M3:
                tile.e4m3 = (byte[]) weights;
                tile.scales = scales;
                tile.scaleStart = panel * scaleCols();
                break;
            case BF16:
                tile.bf16 = (short[]) weights;
                break;
            case F32:
                tile.f32 = (float[]) weights;
                break;
        }
    }
}
