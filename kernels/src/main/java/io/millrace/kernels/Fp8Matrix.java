package io.millrace.kernels;

import java.nio.ByteBuffer;

/**
 * A block-scaled matrix, or a part of one, as it lies in a checkpoint, on the host:
 * {@code w[r, c] = e4m3(codes[r · wholeCols + c]) · scales[(firstRow + r) / 128, (firstCol + c) / 128]}.
 *
 * @param codes e4m3, row-major, from the buffer's position, where the part's first code lies; not consumed
 * @param scales [whole rows / 128, whole columns / 128], each rounded up, f32 little-endian, from the buffer's position; multiplied,
 *     despite the checkpoint's name {@code weight_scale_inv}
 * @param rows output features of the part, ≥ 1
 * @param cols input features of the part, ≥ 1
 * @param firstRow the part's first row in the whole
 * @param firstCol the part's first column in the whole
 * @param wholeCols columns of the whole
 */
public record Fp8Matrix(
        ByteBuffer codes, ByteBuffer scales, int rows, int cols, int firstRow, int firstCol, int wholeCols) {
    /** Rows and columns of a scale block. */
    public static final int BLOCK = 128;

    /** A whole matrix [rows, cols]. */
    public Fp8Matrix(ByteBuffer codes, ByteBuffer scales, int rows, int cols) {
        this(codes, scales, rows, cols, 0, 0, cols);
    }

    /** Checks that the buffers hold what the shape says. */
    public Fp8Matrix {
        boolean isPart = rows >= 1 && cols >= 1 && firstRow >= 0 && firstCol >= 0 && firstCol + cols <= wholeCols;
        long codeBytes = isPart ? (long) (rows - 1) * wholeCols + cols : 0;
        long scaleBytes = isPart ? 4L * ceilDiv(firstRow + rows, BLOCK) * ceilDiv(wholeCols, BLOCK) : 0;
        if (!isPart || codes.remaining() < codeBytes || scales.remaining() < scaleBytes) {
            throw new IllegalArgumentException("an e4m3 matrix of " + rows + " × " + cols + " from row " + firstRow
                    + ", column " + firstCol + " of "
                    + wholeCols + " needs " + codeBytes + " code bytes and " + scaleBytes + " scale bytes, got "
                    + codes.remaining() + " and " + scales.remaining());
        }
    }

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }

    /** Returns a part of this, which shares its buffers. */
    public Fp8Matrix part(int fromRow, int numRows, int fromCol, int numCols) {
        if (fromRow < 0 || fromCol < 0 || fromRow + numRows > rows || fromCol + numCols > cols) {
            throw new IllegalArgumentException("rows " + fromRow + " + " + numRows + ", columns " + fromCol + " + "
                    + numCols + " of an e4m3 matrix of " + rows + " × " + cols);
        }
        ByteBuffer from = codes.duplicate();
        from.position(codes.position() + fromRow * wholeCols + fromCol);
        return new Fp8Matrix(from, scales, numRows, numCols, firstRow + fromRow, firstCol + fromCol, wholeCols);
    }

    /** Returns the columns by which the part begins behind a border of the whole's blocks. */
    public int skewCols() {
        return firstCol % BLOCK;
    }

    /** Returns the index among {@link #scales} of the scale of the part's row r, column c. */
    public int scaleIndex(int r, int c) {
        return (firstRow + r) / BLOCK * ceilDiv(wholeCols, BLOCK) + (firstCol + c) / BLOCK;
    }
}
