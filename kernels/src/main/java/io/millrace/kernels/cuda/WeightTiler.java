package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.numeric.Bf16;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Row-major weights to the 8 KiB tiles, already swizzled, that {@code wgmma} reads. Any thread. */
final class WeightTiler {
    private static final int PIECE = 16;
    private static final int PIECES = TileGrid.BLOCK_BYTES / PIECE;
    private static final long LOW_BITS = 0x7F7F7F7F7F7F7F7FL;
    private static final long ONES = 0x0101010101010101L;

    private WeightTiler() {}

    /**
     * Row-major rows of bytes on the host.
     *
     * @param data from its position; of the tile's byte order; not consumed
     * @param stride bytes from row to row
     * @param rowBytes bytes of a row
     */
    record Bytes(ByteBuffer data, int stride, int rowBytes) {}

    /**
     * Puts one tile at the position of {@code tile}, which moves behind it. Byte i of row r lies at
     * {@code 128 r + (i / 16 ^ r % 8) · 16 + i % 16}; what isn't there is zero.
     *
     * @param firstRow row of the matrix that is the tile's first
     * @param rows rows of the tile, 1 … 64
     * @param firstByte byte of a row that is the tile's first; negative if the tile begins before the row
     */
    static void put(ByteBuffer tile, Bytes matrix, int firstRow, int rows, int firstByte) {
        int to = tile.position();
        for (int r = 0; r < TileGrid.TILE_ROWS; r++) {
            int row = matrix.data.position() + (firstRow + r) * matrix.stride;
            for (int i = 0; i < PIECES; i++) {
                int at = to + r * TileGrid.BLOCK_BYTES + (i ^ r % PIECES) * PIECE;
                putPiece(tile, at, matrix.data, row, firstByte + i * PIECE, r < rows ? matrix.rowBytes : 0);
            }
        }
        tile.position(to + TileGrid.TILE_BYTES);
    }

    /** Puts bytes {@code from … from + 15} of a row that starts at {@code row}. */
    private static void putPiece(ByteBuffer tile, int at, ByteBuffer matrix, int row, int from, int rowBytes) {
        if (from >= 0 && from + PIECE <= rowBytes) {
            tile.putLong(at, matrix.getLong(row + from)).putLong(at + 8, matrix.getLong(row + from + 8));
            return;
        }
        for (int i = 0; i < PIECE; i++) {
            boolean isThere = from + i >= 0 && from + i < rowBytes;
            tile.put(at + i, isThere ? matrix.get(row + from + i) : 0);
        }
    }

    /**
     * Refuses codes and scales that would poison every product.
     *
     * @throws DeviceException naming the weight and the place of a NaN code or a scale that isn't finite
     */
    static void check(String name, Fp8Matrix m) {
        ByteBuffer codes = m.codes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        boolean isWhole = m.cols() == m.wholeCols(); // then all rows are one run
        for (int r = 0; r < (isWhole ? 1 : m.rows()); r++) {
            int start = codes.position() + r * m.wholeCols();
            int bad = firstNan(codes, start, isWhole ? m.rows() * m.cols() : m.cols());
            if (bad >= 0) {
                throw new DeviceException(name + ": code " + (codes.get(start + bad) & 0xFF) + " at row "
                        + (m.firstRow() + r + bad / m.cols()) + ", column " + (m.firstCol() + bad % m.cols())
                        + " is NaN: the checkpoint is damaged, fetch it again");
            }
        }
        FloatBuffer scales = scales(m);
        int scaleCols = blocks(m.wholeCols());
        for (int r = 0; r < m.rows(); r = nextBlock(m.firstRow(), r)) {
            for (int c = 0; c < m.cols(); c = nextBlock(m.firstCol(), c)) {
                int i = m.scaleIndex(r, c);
                if (!Float.isFinite(scales.get(i))) {
                    throw new DeviceException(name + ": scale " + scales.get(i) + " of block row " + i / scaleCols
                            + ", block column " + i % scaleCols
                            + " isn't finite: the checkpoint is damaged, fetch it again");
                }
            }
        }
    }

    /** Returns the index, counted from {@code first}, at which the next block of the whole begins. */
    private static int nextBlock(int first, int index) {
        return ((first + index) / Fp8Matrix.BLOCK + 1) * Fp8Matrix.BLOCK - first;
    }

    /** Returns which of the {@code count} codes from {@code start} is the first NaN, −1 if none is. */
    private static int firstNan(ByteBuffer codes, int start, int count) {
        for (int i = 0; i < count; i += 8) {
            if (i + 8 <= count && ((codes.getLong(start + i) & LOW_BITS) + ONES & ~LOW_BITS) == 0) {
                continue; // no byte is S.1111.111
            }
            for (int j = i; j < Math.min(count, i + 8); j++) {
                if ((codes.get(start + j) & 0x7F) == 0x7F) {
                    return j;
                }
            }
        }
        return -1;
    }

    /** Returns the whole's scales, f32; {@link Fp8Matrix#scaleIndex} says which. */
    static FloatBuffer scales(Fp8Matrix m) {
        return m.scales().duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }

    static int blocks(int count) {
        return (count + Fp8Matrix.BLOCK - 1) / Fp8Matrix.BLOCK;
    }

    /** Returns numbers [count] of bf16 or f32, little-endian, as bf16 (rounded to nearest even). */
    static ByteBuffer bf16(DType dtype, ByteBuffer data, int count) {
        if (dtype == DType.BF16) {
            return data.duplicate();
        }
        FloatBuffer values = data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(count, 2)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            bytes.putShort(Bf16.fromFloat(values.get(i)));
        }
        return bytes.flip();
    }

    /** Returns the numbers as bf16 (rounded to nearest even), little-endian. */
    static ByteBuffer bf16(float[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(values.length, 2)).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putShort(Bf16.fromFloat(value));
        }
        return bytes.flip();
    }
}
