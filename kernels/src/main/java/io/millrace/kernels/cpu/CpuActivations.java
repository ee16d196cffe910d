package io.millrace.kernels.cpu;

import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.cpu.simd.Lanes;

/**
 * f32 rows, multiplied by 2⁶⁰ to meet e4m3 codes that are widened 2¹²⁰ too small ({@link Lanes#HALF_WIDENING}); bf16 weights take
 * it off again. Thread: the rank's.
 */
final class CpuActivations implements Fp8Activations {
    /** None. */
    static final CpuActivations EMPTY = new CpuActivations(new float[0], 0, 0, 0);

    private final float[] values;
    private final int rows;
    private final int cols;
    private final int skewCols;

    /**
     * Makes some.
     *
     * @param values [rows, skewCols + cols] f32, zero
     * @param skewCols zeros before each row, as before the columns of the weights that they meet
     */
    CpuActivations(float[] values, int rows, int cols, int skewCols) {
        this.values = values;
        this.rows = rows;
        this.cols = cols;
        this.skewCols = skewCols;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public long cols() {
        return cols;
    }

    int numRows() {
        return rows;
    }

    int numCols() {
        return cols;
    }

    int skewCols() {
        return skewCols;
    }

    /** Returns the index of a row's first number, the zeros before its columns included. */
    int start(int row) {
        return row * (skewCols + cols);
    }

    /** [rows, skewCols + cols] f32 · 2⁶⁰. */
    float[] values() {
        return values;
    }

    @Override
    public Fp8Activations firstRows(long count) {
        if (count < 0 || count > rows) {
            throw new IllegalArgumentException("first " + count + " rows of " + this);
        }
        return new CpuActivations(values, (int) count, cols, skewCols);
    }

    @Override
    public String toString() {
        return "activations [" + rows + ", " + cols + "]";
    }
}
