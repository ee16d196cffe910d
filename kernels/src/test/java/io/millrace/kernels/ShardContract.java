package io.millrace.kernels;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** gemm with a part of a weight that was cut off the borders of its blocks. */
public abstract class ShardContract {
    private static final int ROWS = 300;
    private static final int COLS = 400;
    private static final int T = 3;

    private final byte[] codes = new byte[ROWS * COLS];
    private final float[] scales = new float[3 * 4];
    private final float[] x = new float[T * COLS]; // ±448: exact in e4m3, with a scale of 1
    private final Backend backend = open();
    private final Rank rank = backend.open(ParallelPlan.SINGLE).get(0);

    /** Opens the back end under test. */
    protected abstract Backend open();

    /** Fills in the weight and the rows. */
    protected ShardContract() {
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (random.nextInt(256) & 0xBF); // below 2 in size, no NaN
        }
        for (int i = 0; i < scales.length; i++) {
            scales[i] = 0.5f + i;
        }
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextBoolean() ? 448 : -448;
        }
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private Fp8Matrix whole() {
        ByteBuffer scaleBytes = ByteBuffer.allocate(4 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
        scaleBytes.asFloatBuffer().put(scales);
        return new Fp8Matrix(ByteBuffer.wrap(codes), scaleBytes, ROWS, COLS);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 300, 0, 400",
        "0, 300, 100, 100",
        "100, 100, 0, 400",
        "32, 200, 16, 250",
        "97, 3, 399, 1",
        "1, 299, 127, 2",
        "127, 65, 255, 145"
    })
    void aPartIsMultipliedWithTheScalesOfItsPlace(int firstRow, int rows, int firstCol, int cols) {
        Device device = rank.device();
        Fp8Matrix part = whole().part(firstRow, rows, firstCol, cols);
        Fp8Weight weight = device.uploadFp8("part", List.of(List.of(part, part))); // two parts, as gate and up
        Fp8Activations activations = device.allocateActivations(T, cols, LinearFormat.E4M3, part.skewCols());
        check(weight, activations, new Place(firstRow, rows, firstCol, cols), (row, col) -> {
            float scale = scales[row / 128 * 4 + col / 128];
            return E4m3.decode(codes[row * COLS + col]) * (double) scale;
        });
    }

    @ParameterizedTest
    @CsvSource({"0, 300, 0, 400", "100, 100, 0, 400", "32, 200, 16, 250", "97, 3, 399, 1", "127, 65, 255, 145"})
    void aPartInBf16IsThatOfItsPlace(int firstRow, int rows, int firstCol, int cols) {
        Device device = rank.device();
        short[] values = new short[ROWS * COLS];
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (0x3F00 + i % 509); // 0.5 and more, all 509 of a row differ
            bytes.putShort(2 * i, values[i]);
        }
        Bf16Matrix part = new Bf16Matrix(bytes, ROWS, COLS).part(firstRow, rows, firstCol, cols);
        LinearWeight weight = device.uploadBf16("part", List.of(List.of(part, part)));
        Fp8Activations activations = device.allocateActivations(T, cols, LinearFormat.BF16);
        Place place = new Place(firstRow, rows, firstCol, cols);
        check(weight, activations, place, (row, col) -> Bf16.toFloat(values[row * COLS + col]));
    }

    private record Place(int firstRow, int rows, int firstCol, int cols) {}

    private interface Elements {
        double at(int row, int col);
    }

    /** Multiplies with a weight that is the same part twice. */
    private void check(LinearWeight weight, Fp8Activations activations, Place place, Elements w) {
        Device device = rank.device();
        int rows = place.rows;
        int cols = place.cols;
        float[] own = new float[T * cols];
        for (int t = 0; t < T; t++) {
            System.arraycopy(x, t * COLS + place.firstCol, own, t * cols, cols);
        }
        rank.ops().quantize(activations, Inputs.tensor(device, own, T, cols));
        Tensor out = device.allocate(DType.F32, T, 2L * rows);
        rank.ops().gemm(out, activations, weight);
        double[] expected = new double[T * 2 * rows];
        double[] magnitude = new double[expected.length];
        for (int t = 0; t < T; t++) {
            for (int n = 0; n < 2 * rows; n++) {
                int row = place.firstRow + n % rows;
                for (int col = place.firstCol; col < place.firstCol + cols; col++) {
                    expected[t * 2 * rows + n] += x[t * COLS + col] * w.at(row, col);
                    magnitude[t * 2 * rows + n] += 448 * Math.abs(w.at(row, col));
                }
            }
        }
        BitsAssert.assertClose("part", Inputs.floats(device, out), expected, magnitude, 2e-6, 2 * rows);
    }

    @Test
    void activationsOfAnotherCutAreRefused() {
        Fp8Weight weight = rank.device().uploadFp8("part", List.of(List.of(whole().part(0, 64, 100, 50))));
        Fp8Activations activations = rank.device().allocateActivations(1, 50);
        Tensor out = rank.device().allocate(DType.F32, 1, 64);
        assertThatThrownBy(() -> rank.ops().gemm(out, activations, weight))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("gemm part [1, 64, 50] E4M3: zeros before x is 0 but must be 100");
    }
}
