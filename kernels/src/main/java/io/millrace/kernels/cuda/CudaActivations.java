package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;

/**
 * e4m3 activations. Thread: the rank's.
 *
 * @param codes [T, groups · 128] e4m3: zeros, then K columns, then zeros
 * @param scales [T, groups] f32, one per row and 128 columns
 * @param cols K
 * @param skewCols zeros before the columns, 0 … 127
 */
record CudaActivations(CudaTensor codes, CudaTensor scales, long cols, int skewCols) implements Fp8Activations {
    /** Allocates room for rows of K columns. */
    static CudaActivations allocate(CudaDevice device, long rows, long cols, int skewCols) {
        long groups = groups(skewCols + cols);
        return new CudaActivations(
                device.allocate(DType.E4M3, rows, groups * Fp8Matrix.BLOCK),
                device.allocate(DType.F32, rows, groups),
                cols,
                skewCols);
    }

    private static long groups(long cols) {
        return (cols + Fp8Matrix.BLOCK - 1) / Fp8Matrix.BLOCK;
    }

    /** Returns the groups of 128 columns. */
    int numGroups() {
        return Math.toIntExact(scales.cols());
    }

    @Override
    public long rows() {
        return codes.rows();
    }

    @Override
    public CudaActivations firstRows(long rows) {
        return new CudaActivations(
                (CudaTensor) codes.firstRows(rows), (CudaTensor) scales.firstRows(rows), cols, skewCols);
    }

    @Override
    public String toString() {
        return "activations [" + rows() + ", " + cols + "]";
    }
}
