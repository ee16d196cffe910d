package io.millrace.kernels;

import java.nio.ByteBuffer;

/**
 * One block-scaled matrix as it lies in a checkpoint, on the host: {@code w[r,c] = e4m3(codes[r,c]) · scales[r/128, c/128]}.
 *
 * @param codes [rows, cols] e4m3, row-major, from the buffer's position; not consumed
 * @param scales [ceil(rows/128), ceil(cols/128)] f32 little-endian, from the buffer's position; multiplied, despite the
 *     checkpoint's name {@code weight_scale_inv}
 * @param rows output features, ≥ 1
 * @param cols input features, ≥ 1
 */
public record Fp8Matrix(ByteBuffer codes, ByteBuffer scales, int rows, int cols) {
    /** Rows and columns of a scale block. */
    public static final int BLOCK = 128;

    /** Checks that the buffers hold what the shape says. */
    public Fp8Matrix {
        long scaleCount = (long) ceilDiv(rows, BLOCK) * ceilDiv(cols, BLOCK);
        if (rows < 1 || cols < 1 || codes.remaining() < (long) rows * cols || scales.remaining() < 4 * scaleCount) {
            throw new IllegalArgumentException(
                    "an e4m3 matrix of " + rows + " × " + cols + " needs " + (long) rows * cols
                            + " code bytes and " + 4 * scaleCount + " scale bytes, got " + codes.remaining() + " and "
                            + scales.remaining());
        }
    }

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }
}
