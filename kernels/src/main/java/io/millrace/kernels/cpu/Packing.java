package io.millrace.kernels.cpu;

import io.millrace.kernels.DType;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.cpu.simd.ScalarLanes;
import io.millrace.kernels.cpu.simd.Tile;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.List;

/** Fills {@link PackedMatrix}es from a checkpoint's row-major data. Any thread. */
final class Packing {
    private Packing() {}

    /**
     * Packs row-concatenated e4m3 parts.
     *
     * @throws DeviceException if a code is NaN or a scale isn't finite: names the weight and the place
     */
    static PackedMatrix e4m3(String name, List<Fp8Matrix> parts) {
        int cols = parts.get(0).cols();
        int[] partRows = new int[parts.size()];
        for (int i = 0; i < partRows.length; i++) {
            Fp8Matrix part = parts.get(i);
            if (part.cols() != cols) {
                throw new IllegalArgumentException(
                        name + ": part " + i + " has " + part.cols() + " columns, the first has " + cols);
            }
            partRows[i] = part.rows();
        }
        PackedMatrix matrix = new PackedMatrix(Tile.Format.E4M3, cols, partRows);
        int panel = 0;
        for (Fp8Matrix part : parts) {
            panel = packPart(name, matrix, panel, part);
        }
        return matrix;
    }

    private static int packPart(String name, PackedMatrix matrix, int firstPanel, Fp8Matrix part) {
        byte[] weights = (byte[]) matrix.weights;
        byte[] row = new byte[part.cols()];
        ByteBuffer codes = part.codes().duplicate();
        FloatBuffer scales =
                part.scales().duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        for (int r = 0; r < part.rows(); r++) {
            codes.get(row);
            int panel = firstPanel + r / Lanes.PANEL_ROWS;
            int at = panel * part.cols() * Lanes.PANEL_ROWS + ScalarLanes.e4m3Index(r % Lanes.PANEL_ROWS);
            for (int k = 0; k < row.length; k++) {
                if (E4m3.isNan(row[k])) {
                    throw new DeviceException(name + ": code " + (row[k] & 0xFF) + " at row " + r + ", column " + k
                            + " is NaN: the checkpoint is damaged, fetch it again");
                }
                weights[at + k * Lanes.PANEL_ROWS] = row[k];
            }
            if (r % Lanes.PANEL_ROWS == 0) {
                packScales(name, matrix, panel, scales, r / Lanes.BLOCK);
            }
        }
        return firstPanel + PackedMatrix.panels(part.rows());
    }

    private static void packScales(String name, PackedMatrix matrix, int panel, FloatBuffer scales, int scaleRow) {
        int scaleCols = matrix.scaleCols();
        for (int i = 0; i < scaleCols; i++) {
            float scale = scales.get(scaleRow * scaleCols + i);
            float stored = scale * Lanes.HALF_WIDENING;
            if (Float.isNaN(stored) || Float.isInfinite(stored)) {
                throw new DeviceException(name + ": scale " + scale + " of block row " + scaleRow + ", block column "
                        + i + " is not below 2^68: the checkpoint is damaged, fetch it again");
            }
            matrix.scales[panel * scaleCols + i] = stored;
        }
    }

    /** Packs a bf16 or f32 matrix [rows, cols], little-endian. */
    static PackedMatrix dense(DType dtype, ByteBuffer data, int rows, int cols) {
        ByteBuffer bytes = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (dtype == DType.BF16) {
            return bf16(bytes.asShortBuffer(), rows, cols);
        }
        float[] row = new float[cols];
        FloatBuffer values = bytes.asFloatBuffer();
        PackedMatrix matrix = new PackedMatrix(Tile.Format.F32, cols, rows);
        for (int r = 0; r < rows; r++) {
            values.get(row);
            packRow(matrix, r, row, 0);
        }
        return matrix;
    }

    private static PackedMatrix bf16(ShortBuffer values, int rows, int cols) {
        PackedMatrix matrix = new PackedMatrix(Tile.Format.BF16, cols, rows);
        short[] weights = (short[]) matrix.weights;
        short[] row = new short[cols];
        for (int r = 0; r < rows; r++) {
            values.get(row);
            int at = r / Lanes.PANEL_ROWS * cols * Lanes.PANEL_ROWS + ScalarLanes.bf16Index(r % Lanes.PANEL_ROWS);
            for (int k = 0; k < cols; k++) {
                weights[at + k * Lanes.PANEL_ROWS] = row[k];
            }
        }
        return matrix;
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
