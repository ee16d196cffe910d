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
     * Puts one tile at the position of {@code tile}, which moves behind it. Byte i of row r lies at
     * {@code 128 r + (i / 16 ^ r % 8) · 16 + i % 16}; what isn't there is zero.
     *
     * @param matrix [numRows, rowBytes], row-major, from its position; of the tile's byte order; not consumed
     * @param firstRow row of the matrix that is the tile's first
     * @param firstByte byte of a row that is the tile's first
     */
    static void put(ByteBuffer tile, ByteBuffer matrix, int numRows, int rowBytes, int firstRow, int firstByte) {
        int to = tile.position();
        int rows = Math.min(TileGrid.TILE_ROWS, numRows - firstRow);
        for (int r = 0; r < TileGrid.TILE_ROWS; r++) {
            int from = r < rows ? matrix.position() + (firstRow + r) * rowBytes + firstByte : 0;
            int present = r < rows ? Math.min(TileGrid.BLOCK_BYTES, rowBytes - firstByte) : 0;
            for (int i = 0; i < PIECES; i++) {
                int at = to + r * TileGrid.BLOCK_BYTES + (i ^ r % PIECES) * PIECE;
                putPiece(tile, at, matrix, from + i * PIECE, present - i * PIECE);
            }
        }
        tile.position(to + TileGrid.TILE_BYTES);
    }

    private static void putPiece(ByteBuffer tile, int at, ByteBuffer matrix, int from, int present) {
        if (present >= PIECE) {
            tile.putLong(at, matrix.getLong(from)).putLong(at + 8, matrix.getLong(from + 8));
            return;
        }
        for (int i = 0; i < PIECE; i++) {
            tile.put(at + i, i < present ? matrix.get(from + i) : 0);
        }
    }

    /**
     * Refuses codes and scales that would poison every product.
     *
     * @throws DeviceException naming the weight and the place of a NaN code or a scale that isn't finite
     */
    static void check(String name, Fp8Matrix m) {
        ByteBuffer codes = m.codes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int count = m.rows() * m.cols();
        int start = codes.position();
        for (int i = 0; i < count; i += 8) {
            boolean isWhole = i + 8 <= count;
            if (isWhole && ((codes.getLong(start + i) & LOW_BITS) + ONES & ~LOW_BITS) == 0) {
                continue; // no byte is S.1111.111
            }
            for (int j = i; j < Math.min(count, i + 8); j++) {
                int code = codes.get(start + j) & 0xFF;
                if ((code & 0x7F) == 0x7F) {
                    throw new DeviceException(name + ": code " + code + " at row " + j / m.cols() + ", column "
                            + j % m.cols() + " is NaN: the checkpoint is damaged, fetch it again");
                }
            }
        }
        FloatBuffer scales = scales(m);
        int scaleCols = blocks(m.cols());
        for (int i = 0; i < blocks(m.rows()) * scaleCols; i++) {
            if (!Float.isFinite(scales.get(i))) {
                throw new DeviceException(
                        name + ": scale " + scales.get(i) + " of block row " + i / scaleCols + ", block column "
                                + i % scaleCols + " isn't finite: the checkpoint is damaged, fetch it again");
            }
        }
    }

    /** Returns the scales [ceil(rows/128), ceil(cols/128)] f32. */
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
