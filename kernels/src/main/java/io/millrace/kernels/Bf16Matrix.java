package io.millrace.kernels;

import java.nio.ByteBuffer;

/**
 * One bf16 matrix as it lies in a checkpoint, on the host.
 *
 * @param values [rows, cols] bf16 little-endian, row-major, from the buffer's position; not consumed
 * @param rows output features, ≥ 1
 * @param cols input features, ≥ 1
 */
public record Bf16Matrix(ByteBuffer values, int rows, int cols) {
    /** Checks that the buffer holds what the shape says. */
    public Bf16Matrix {
        long bytes = (long) rows * cols * DType.BF16.elementBytes();
        if (rows < 1 || cols < 1 || values.remaining() < bytes) {
            throw new IllegalArgumentException("a bf16 matrix of " + rows + " × " + cols + " needs " + bytes
                    + " bytes, got " + values.remaining());
        }
    }
}
