package io.millrace.kernels.cpu;

import io.millrace.kernels.Bf16Matrix;
import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.cpu.simd.ScalarLanes;
import io.millrace.kernels.cpu.simd.Tile;
import io.millrace.kernels.numeric.E4m3;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Fills {@link PackedMatrix}es from a checkpoint's row-major data. Any thread. */
final class Packing {
    /** Experts share arrays up to this size. */
    private static final int MAX_ARRAY_BYTES = 1 << 30;
    /** Columns that are turned at a time: 4 KiB of packed weights, one cache line of each row. */
    private static final int TURN_COLS = 64;

    private static final long LOW_BITS = 0x7F7F7F7F7F7F7F7FL;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private Packing() {}

    /**
     * Packs the experts of one weight, each of row-concatenated e4m3 parts, into as few arrays as possible: large arrays are never
     * moved by the collector and waste little of its regions. Parts keep their place in the whole's blocks: zeros lie before columns
     * that begin inside one, as many as {@link Fp8Matrix#skewCols}.
     *
     * @throws DeviceException if a code is NaN or a scale isn't finite: names the weight and the place
     */
    static PackedMatrix[] e4m3(String name, List<List<Fp8Matrix>> wholeExperts) {
        List<List<Fp8Matrix>> experts =
                wholeExperts.stream().map(Packing::cutWhereScalesChange).toList();
        int cols = experts.get(0).get(0).cols();
        int packedCols = experts.get(0).get(0).skewCols() + cols;
        int[] partRows = experts.get(0).stream().mapToInt(Fp8Matrix::rows).toArray();
        int elements = PackedMatrix.numElements(packedCols, partRows);
        int perArray = Math.max(1, MAX_ARRAY_BYTES / elements);
        byte[] panelRows = new byte[Lanes.PANEL_ROWS * packedCols];
        byte[] array = {};
        PackedMatrix[] packed = new PackedMatrix[experts.size()];
        for (int e = 0; e < packed.length; e++) {
            List<int[]> shapes = experts.get(e).stream()
                    .map(part -> new int[] {part.rows(), part.cols()})
                    .toList();
            checkShapes(name, e, shapes, cols, partRows);
            if (e % perArray == 0) {
                array = new byte[Math.min(perArray, packed.length - e) * elements];
            }
            packed[e] = new PackedMatrix(Tile.Format.E4M3, array, e % perArray * elements, 1, packedCols, partRows);
            int panel = 0;
            for (Fp8Matrix part : experts.get(e)) {
                panel = packPart(name, packed[e], panel, part, panelRows);
            }
        }
        return packed;
    }

    /** Checks that an expert's parts, each [rows, cols], are shaped as the first expert's. */
    private static void checkShapes(String name, int expert, List<int[]> shapes, int cols, int[] partRows) {
        for (int i = 0; i < shapes.size() || i < partRows.length; i++) {
            if (i >= shapes.size()
                    || i >= partRows.length
                    || shapes.get(i)[0] != partRows[i]
                    || shapes.get(i)[1] != cols) {
                throw new IllegalArgumentException(
                        name + ": part " + i + " of expert " + expert + " has another shape than the first expert's");
            }
        }
    }

    /** As {@link #e4m3}, of bf16 parts, for activations that hold 2⁶⁰: a block's sum of products has to stay below 2⁶⁸. */
    static PackedMatrix[] bf16(String name, List<List<Bf16Matrix>> experts) {
        int cols = experts.get(0).get(0).cols();
        int[] partRows = experts.get(0).stream().mapToInt(Bf16Matrix::rows).toArray();
        int elements = PackedMatrix.numElements(cols, partRows);
        int perArray = Math.max(1, MAX_ARRAY_BYTES / 2 / elements);
        short[] array = {};
        PackedMatrix[] packed = new PackedMatrix[experts.size()];
        for (int e = 0; e < packed.length; e++) {
            List<int[]> shapes = experts.get(e).stream()
                    .map(part -> new int[] {part.rows(), part.cols()})
                    .toList();
            checkShapes(name, e, shapes, cols, partRows);
            if (e % perArray == 0) {
                array = new short[Math.min(perArray, packed.length - e) * elements];
            }
            int start = e % perArray * elements;
            packed[e] = new PackedMatrix(Tile.Format.BF16, array, start, 1 / Lanes.HALF_WIDENING, cols, partRows);
            int panel = 0;
            for (Bf16Matrix part : experts.get(e)) {
                packRows(packed[e], panel, shorts(part.values()), part.rows(), part.wholeCols());
                panel += PackedMatrix.panels(part.rows());
            }
        }
        return packed;
    }

    /**
     * Packs a part panel by panel: its rows are copied, looked through for NaN and turned while they are in the core's cache.
     *
     * @param rows [64, skewCols + cols] e4m3, scratch whose first columns are zero
     */
    private static int packPart(String name, PackedMatrix matrix, int firstPanel, Fp8Matrix part, byte[] rows) {
        int skew = part.skewCols();
        int cols = skew + part.cols();
        ByteBuffer codes = part.codes().duplicate();
        int start = codes.position();
        for (int r = 0; r < part.rows(); r += Lanes.PANEL_ROWS) {
            int panelRows = Math.min(Lanes.PANEL_ROWS, part.rows() - r);
            int count = panelRows * cols;
            for (int i = 0; i < panelRows; i++) {
                codes.position(start + (r + i) * part.wholeCols()).get(rows, i * cols + skew, part.cols());
            }
            Arrays.fill(rows, count, rows.length, (byte) 0);
            int bad = firstNan(rows, count);
            if (bad >= 0) {
                throw new DeviceException(name + ": code " + (rows[bad] & 0xFF) + " at row "
                        + (part.firstRow() + r + bad / cols) + ", column " + (part.firstCol() + bad % cols - skew)
                        + " is NaN: the checkpoint is damaged, fetch it again");
            }
            int panel = firstPanel + r / Lanes.PANEL_ROWS;
            int at = matrix.start + panel * cols * Lanes.PANEL_ROWS;
            for (int k = 0; k < cols; k += TURN_COLS) {
                turn((byte[]) matrix.weights, at, rows, cols, k, Math.min(cols, k + TURN_COLS));
            }
            packScales(name, matrix, panel, part, r);
        }
        return firstPanel + PackedMatrix.panels(part.rows());
    }

    /** Returns the index of the first NaN among the first {@code count} codes, −1 if there is none; eight at a time. */
    private static int firstNan(byte[] codes, int count) {
        int i = 0;
        for (; i + 8 <= count; i += 8) {
            long distance = ((long) LONGS.get(codes, i) & LOW_BITS) ^ LOW_BITS; // a NaN, 0x7F or 0xFF, becomes 0
            if ((distance + LOW_BITS & ~LOW_BITS) != ~LOW_BITS) { // the top bit stays clear where it was 0
                break;
            }
        }
        for (; i < count; i++) {
            if (E4m3.isNan(codes[i])) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Writes columns {@code from} to {@code to} of a panel: an int holds four rows that lie 16 apart ({@link Tile}).
     *
     * @param out e4m3; the panel [cols, 64] begins at {@code at}
     * @param rows [64, cols] e4m3
     */
    private static void turn(byte[] out, int at, byte[] rows, int cols, int from, int to) {
        for (int l = 0; l < 16; l++) {
            int row = l * cols;
            int k = from;
            for (; k + 8 <= to; k += 8) {
                long a = (long) LONGS.get(rows, row + k);
                long b = (long) LONGS.get(rows, row + 16 * cols + k);
                long c = (long) LONGS.get(rows, row + 32 * cols + k);
                long d = (long) LONGS.get(rows, row + 48 * cols + k);
                for (int j = 0; j < 8; j++) {
                    int four = (int) ((a & 0xFF) | ((b & 0xFF) << 8) | ((c & 0xFF) << 16) | (d & 0xFF) << 24);
                    INTS.set(out, at + (k + j) * Lanes.PANEL_ROWS + 4 * l, four);
                    a >>>= 8;
                    b >>>= 8;
                    c >>>= 8;
                    d >>>= 8;
                }
            }
            for (; k < to; k++) {
                for (int j = 0; j < 4; j++) {
                    out[at + k * Lanes.PANEL_ROWS + ScalarLanes.e4m3Index(16 * j + l)] = rows[row + 16 * j * cols + k];
                }
            }
        }
    }

    private static void packScales(String name, PackedMatrix matrix, int panel, Fp8Matrix part, int firstRow) {
        FloatBuffer scales =
                part.scales().duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        int wholeScaleCols = (part.wholeCols() + Lanes.BLOCK - 1) / Lanes.BLOCK;
        int scaleCols = matrix.scaleCols();
        for (int i = 0; i < scaleCols; i++) {
            int at = part.scaleIndex(firstRow, i * Lanes.BLOCK - part.skewCols());
            float scale = scales.get(at);
            float stored = scale * Lanes.HALF_WIDENING;
            if (Float.isNaN(stored) || Float.isInfinite(stored)) {
                throw new DeviceException(name + ": scale " + scale + " of block row " + at / wholeScaleCols
                        + ", block column " + at % wholeScaleCols
                        + " is not below 2^68: the checkpoint is damaged, fetch it again");
            }
            matrix.scales[panel * scaleCols + i] = stored;
        }
    }

    /** Cuts parts whose panels of 64 rows would lie in two rows of scales: the lanes load one for a panel. */
    private static List<Fp8Matrix> cutWhereScalesChange(List<Fp8Matrix> parts) {
        List<Fp8Matrix> pieces = new ArrayList<>();
        for (Fp8Matrix part : parts) {
            int before = Lanes.BLOCK - part.firstRow() % Lanes.BLOCK;
            if (part.firstRow() % Lanes.PANEL_ROWS == 0 || part.rows() <= before) {
                pieces.add(part);
            } else {
                pieces.add(part.part(0, before, 0, part.cols()));
                pieces.add(part.part(before, part.rows() - before, 0, part.cols()));
            }
        }
        return pieces;
    }

    /** Packs a bf16 or f32 matrix [rows, cols], little-endian. */
    static PackedMatrix dense(DType dtype, ByteBuffer data, int rows, int cols) {
        if (dtype == DType.BF16) {
            PackedMatrix matrix = new PackedMatrix(Tile.Format.BF16, cols, rows);
            packRows(matrix, 0, shorts(data), rows, cols);
            return matrix;
        }
        float[] row = new float[cols];
        FloatBuffer values = data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        PackedMatrix matrix = new PackedMatrix(Tile.Format.F32, cols, rows);
        for (int r = 0; r < rows; r++) {
            values.get(row);
            packRow(matrix, r, row, 0);
        }
        return matrix;
    }

    private static ShortBuffer shorts(ByteBuffer data) {
        return data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
    }

    /** Packs bf16 rows [rows, cols], each {@code stride} values behind the one before, from a panel on. */
    private static void packRows(PackedMatrix matrix, int firstPanel, ShortBuffer values, int rows, int stride) {
        short[] weights = (short[]) matrix.weights;
        int cols = matrix.cols;
        short[] row = new short[cols];
        for (int r = 0; r < rows; r++) {
            values.position(r * stride).get(row);
            int at = matrix.start
                    + (firstPanel + r / Lanes.PANEL_ROWS) * cols * Lanes.PANEL_ROWS
                    + ScalarLanes.bf16Index(r % Lanes.PANEL_ROWS);
            for (int k = 0; k < cols; k++) {
                weights[at + k * Lanes.PANEL_ROWS] = row[k];
            }
        }
    }

    /** Packs an f32 matrix [rows, cols] that starts at {@code from}. */
    static PackedMatrix f32(float[] values, int from, int rows, int cols) {
        PackedMatrix matrix = new PackedMatrix(Tile.Format.F32, cols, rows);
        for (int r = 0; r < rows; r++) {
            packRow(matrix, r, values, from + r * cols);
        }
        return matrix;
    }

    private static void packRow(PackedMatrix matrix, int r, float[] values, int from) {
        float[] weights = (float[]) matrix.weights;
        int at = r / Lanes.PANEL_ROWS * matrix.cols * Lanes.PANEL_ROWS + r % Lanes.PANEL_ROWS;
        for (int k = 0; k < matrix.cols; k++) {
            weights[at + k * Lanes.PANEL_ROWS] = values[from + k];
        }
    }
}
