package io.millrace.kernels;

import java.nio.ByteBuffer;

/**
 * A bf16 matrix, or a part of one, as it lies in a checkpoint, on the host: {@code w[r, c] = values[r · wholeCols + c]}.
 *
 * @param values bf16 little-endian, row-major, from the buffer's position, where the part's first value lies; not consumed
 * @param rows output features of the part, ≥ 1
 * @param cols input features of the part, ≥ 1
 * @param wholeCols columns of the whole
 */
public record Bf16Matrix(ByteBuffer values, int rows, int cols, int wholeCols) {
    /** A whole matrix [rows, cols]. */
    public Bf16Matrix(ByteBuffer values, int rows, int cols) {
        this(values, rows, cols, cols);
    }

    /** Checks that the buffer holds what the shape says. */
    public Bf16Matrix {
        boolean isPart = rows >= 1 && cols >= 1 && cols <= wholeCols;
        long bytes = isPart ? ((long) (rows - 1) * wholeCols + cols) * DType.BF16.elementBytes() : 0;
        if (!isPart || values.remaining() < bytes) {
            throw new IllegalArgumentException("a bf16 matrix of " + rows + " × " + cols + " of " + wholeCols
                    + " columns needs " + bytes + " bytes, got " + values.remaining());
        }
    }

    /** Returns a part of this, which shares its buffer. */
    public Bf16Matrix part(int fromRow, int numRows, int fromCol, int numCols) {
        if (fromRow < 0 || fromCol < 0 || fromRow + numRows > rows || fromCol + numCols > cols) {
            throw new IllegalArgumentException("rows " + fromRow + " + " + numRows + ", columns " + fromCol + " + "
                    + numCols + " of a bf16 matrix of " + rows + " × " + cols);
        }
        ByteBuffer from = values.duplicate().order(values.order());
        from.position(values.position() + (fromRow * wholeCols + fromCol) * DType.BF16.elementBytes());
        return new Bf16Matrix(from, numRows, numCols, wholeCols);
    }
}
