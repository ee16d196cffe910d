package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.LinearFormat;

/**
 * e4m3 or bf16 activations. Thread: the rank's.
 *
 * @param codes [T, groups · 128] e4m3 or bf16: zeros, then K columns, then zeros
 * @param scales [T, groups] f32, one per row and 128 columns; [T, 1], unused, for bf16
 * @param cols K
 * @param skewCols zeros before the columns, 0 … 127
 */
record CudaActivations(CudaTensor codes, CudaTensor scales, long cols, LinearFormat format, int skewCols)
        implements Fp8Activations {
    /** Allocates room for rows of K columns. */
    static CudaActivations allocate(CudaDevice device, long rows, long cols, LinearFormat format, int skewCols) {
        long groups = groups(skewCols + cols);
        DType dtype = format.isScaled() ? DType.E4M3 : DType.BF16;
        return new CudaActivations(
                device.allocate(dtype, rows, groups * Fp8Matrix.BLOCK),
                device.allocate(DType.F32, rows, format.isScaled() ? groups : 1),
                cols,
                format,
                skewCols);
    }

    private static long groups(long cols) {
        return (cols + Fp8Matrix.BLOCK - 1) / Fp8Matrix.BLOCK;
    }

    /** Returns the groups of 128 columns. */
    int numGroups() {
        return Math.toIntExact(codes.cols() / Fp8Matrix.BLOCK);
    }

    @Override
    public long rows() {
        return codes.rows();
    }

    @Override
    public CudaActivations firstRows(long rows) {
        return new CudaActivations(
                (CudaTensor) codes.firstRows(rows), (CudaTensor) scales.firstRows(rows), cols, format, skewCols);
    }

    @Override
    public String toString() {
        return "activations [" + rows() + ", " + cols + "] " + format;
    }
}
