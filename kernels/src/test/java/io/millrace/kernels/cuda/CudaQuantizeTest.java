package io.millrace.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.millrace.kernels.DType;
import io.millrace.kernels.Inputs;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.BlockScale;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** e4m3 activations: codes and scales bit by bit against {@link BlockScale}, and the SiLU before them within e4m3's step. */
class CudaQuantizeTest {
    private final CudaBackend backend = open();
    private final CudaDevice device =
            (CudaDevice) backend.open(ParallelPlan.SINGLE).get(0).device();
    private final CudaOps ops = new CudaOps(device);

    private static CudaBackend open() {
        EmulatedDriver.require();
        return new CudaBackend();
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private byte[] codes(CudaActivations x) {
        byte[] codes = new byte[(int) (x.rows() * x.codes().cols())];
        device.readBytes(codes, x.codes());
        return codes;
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, E4M3",
        "3, 127, E4M3",
        "3, 128, E4M3",
        "2, 129, E4M3",
        "5, 300, E4M3",
        "2, 1500, E4M3",
        "1, 1, E4M3_UE8M0",
        "3, 128, E4M3_UE8M0",
        "5, 300, E4M3_UE8M0",
        "2, 1500, E4M3_UE8M0"
    })
    void codesAndScalesAreThoseOfTheHost(int rows, int cols, LinearFormat format) {
        float[] x = Inputs.floats(new SplittableRandom(cols), rows * cols);
        for (int i = 0; i < x.length; i++) {
            x[i] *= (float) Math.pow(2, i % 40 - 20);
        }
        Arrays.fill(x, 0, Math.min(cols, 128), 0); // a group of zeros
        CudaActivations out = (CudaActivations) device.allocateActivations(rows + 1, cols, format);
        ops.quantize(out.firstRows(rows), Inputs.tensor(device, x, rows, cols));
        byte[] codes = codes(out);
        float[] scales = Inputs.floats(device, out.scales());
        int groups = out.numGroups();
        for (int t = 0; t < rows; t++) {
            byte[] expected = new byte[groups * 128];
            float[] row = Arrays.copyOf(Inputs.rows(x, t, t + 1, cols), expected.length);
            for (int g = 0; g < groups; g++) {
                float scale = BlockScale.quantizeGroup(
                        expected, row, g * 128, Math.min(128, cols - g * 128), format == LinearFormat.E4M3_UE8M0);
                assertThat(scales[t * groups + g]).isEqualTo(scale);
            }
            assertThat(Arrays.copyOfRange(codes, t * expected.length, (t + 1) * expected.length))
                    .isEqualTo(expected);
        }
        assertThat(scales[rows * groups]).as("rows of others").isZero();
    }

    /** The vector of the published description: 6.35 is the largest, the codes sum to 22,856. */
    @Test
    void knownGroup() {
        float[] x = new float[128];
        for (int i = 0; i < 128; i++) {
            x[i] = (i - 63.5f) / 10;
        }
        CudaActivations out = (CudaActivations) device.allocateActivations(1, 128);
        ops.quantize(out, Inputs.tensor(device, x, 1, 128));
        int sum = 0;
        for (byte code : codes(out)) {
            sum += code & 0xFF;
        }
        assertThat(sum).isEqualTo(22_856);
        assertThat(Float.floatToRawIntBits(Inputs.floats(device, out.scales())[0]))
                .isEqualTo(0x3C683A83);
    }

    /** 6.35 / 448 rounded up is 2⁻⁶. The sum is that of models/tiny-r1/train/reference.py's rounding, which gives 22,856 for f32 scales, too. */
    @Test
    void knownGroupWithAPowerOfTwo() {
        float[] x = new float[128];
        for (int i = 0; i < 128; i++) {
            x[i] = (i - 63.5f) / 10;
        }
        CudaActivations out = (CudaActivations) device.allocateActivations(1, 128, LinearFormat.E4M3_UE8M0);
        ops.quantize(out, Inputs.tensor(device, x, 1, 128));
        int sum = 0;
        for (byte code : codes(out)) {
            sum += code & 0xFF;
        }
        assertThat(Inputs.floats(device, out.scales())[0]).isEqualTo(0x1p-6f);
        assertThat(sum).isEqualTo(22_714);
    }

    /** To nearest even, with zeros up to a whole group, by both ops. */
    @ParameterizedTest
    @CsvSource({"1, 1", "3, 128", "5, 300"})
    void bf16ActivationsAreRoundedRows(int rows, int cols) {
        float[] x = Inputs.floats(new SplittableRandom(cols), rows * cols);
        CudaActivations out = (CudaActivations) device.allocateActivations(rows + 1, cols, LinearFormat.BF16);
        ops.quantize(out.firstRows(rows), Inputs.tensor(device, x, rows, cols));
        int width = (int) out.codes().cols();
        assertThat(width).isEqualTo((cols + 127) / 128 * 128);
        byte[] bytes = new byte[(rows + 1) * width * 2];
        device.readBytes(bytes, out.codes());
        byte[] expected = new byte[bytes.length];
        for (int t = 0; t < rows; t++) {
            Inputs.bf16Bytes(Inputs.rows(x, t, t + 1, cols)).get(expected, t * width * 2, 2 * cols);
        }
        assertThat(bytes).isEqualTo(expected);

        float[] gateUp = Inputs.floats(new SplittableRandom(cols), rows * 2 * cols);
        ops.siluMulQuantize(out.firstRows(rows), Inputs.tensor(device, gateUp, rows, 2 * cols));
        device.readBytes(bytes, out.codes());
        ShortBuffer values =
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
        for (int i = 0; i < rows * cols; i++) {
            double gate = gateUp[i / cols * 2 * cols + i % cols];
            double y = gate / (1 + Math.exp(-gate)) * gateUp[i / cols * 2 * cols + cols + i % cols];
            float got = Bf16.toFloat(values.get(i / cols * width + i % cols));
            assertThat((double) got).isCloseTo(y, within(Math.abs(y) / 256 * (1 + 1e-5) + 1e-38));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "4, 64", "5, 128", "3, 130", "64, 100"})
    void siluTimesUpWithinHalfAStep(int rows, int cols) {
        float[] gateUp = Inputs.floats(new SplittableRandom(rows + cols), rows * 2 * cols);
        for (int i = 0; i < gateUp.length; i++) {
            gateUp[i] *= i % 7 == 0 ? 100 : 4;
        }
        CudaActivations out = (CudaActivations) device.allocateActivations(rows, cols);
        ops.siluMulQuantize(out, Inputs.tensor(device, gateUp, rows, 2 * cols));
        byte[] codes = codes(out);
        float[] scales = Inputs.floats(device, out.scales());
        for (int t = 0; t < rows; t++) {
            for (int c = 0; c < cols; c++) {
                double gate = gateUp[t * 2 * cols + c];
                double y = gate / (1 + Math.exp(-gate)) * gateUp[t * 2 * cols + cols + c];
                double scale = scales[t * out.numGroups() + c / 128];
                double value = E4m3.decode(codes[t * out.numGroups() * 128 + c]) * scale;
                // 4 significant bits, or half the smallest subnormal; and the error of f32 before it
                double bound = Math.max(Math.abs(y) / 16, scale / 1024) * (1 + 1e-5);
                assertThat(value).isCloseTo(y, within(bound));
            }
        }
    }

    /** Each row alone gives the codes that it has among others. */
    @Test
    void codesDontDependOnTheBatch() {
        int rows = 9;
        int cols = 200;
        float[] x = Inputs.floats(new SplittableRandom(4), rows * 2 * cols);
        CudaActivations all = (CudaActivations) device.allocateActivations(rows, cols);
        ops.siluMulQuantize(all, Inputs.tensor(device, x, rows, 2 * cols));
        byte[] expected = codes(all);
        for (int t = 0; t < rows; t++) {
            CudaActivations one = (CudaActivations) device.allocateActivations(1, cols);
            float[] row = Inputs.rows(x, t, t + 1, 2 * cols);
            ops.siluMulQuantize(one, Inputs.tensor(device, row, 1, 2 * cols));
            assertThat(codes(one)).isEqualTo(Arrays.copyOfRange(expected, t * 256, (t + 1) * 256));
        }
    }

    @Test
    void bf16PagesHoldRoundedKeys() {
        CudaTensor pages = device.allocate(DType.BF16, 4, 6);
        float[] latent = {1.00390625f, 1.01171875f, -3e-39f, 7, 0.5f, 0.25f}; // the first two are ties
        Tensor zero = device.allocate(DType.I32, 1);
        StepTensors step = new StepTensors(zero, zero, Inputs.tensor(device, new int[] {2}, 1));
        RopeTable rope = new RopeTable(
                Inputs.tensor(device, new float[] {1}, 1, 1), Inputs.tensor(device, new float[] {0}, 1, 1));
        ops.ropeAppendKv(
                new KvLayer(pages, 4, 4, 2),
                device.allocate(DType.F32, 1, 1, 6),
                device.allocate(DType.F32, 1, 1, 2),
                Inputs.tensor(device, latent, 1, 6),
                step,
                rope);
        byte[] bytes = new byte[4 * 6 * 2];
        device.readBytes(bytes, pages);
        byte[] expected = new byte[bytes.length];
        Inputs.bf16Bytes(latent).get(expected, 2 * 6 * 2, 6 * 2);
        assertThat(bytes).isEqualTo(expected);
    }
}
