package io.millrace.kernels.numeric;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockScaleTest {
    @Test
    void quantisesTheKnownGroup() {
        float[] x = new float[128];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) ((i - 63.5) / 10);
        }
        byte[] codes = new byte[128];
        float scale = BlockScale.quantizeGroup(codes, x, 0, 128);
        assertThat(Float.floatToRawIntBits(scale)).isEqualTo(0x3C683A83);
        assertCodes(codes, 0, 0xFE, 0xFE, 0xFE, 0xFD, 0xFD, 0xFD, 0xFD, 0xFC);
        assertCodes(codes, 60, 0xDC, 0xD9, 0xD3, 0xC6, 0x46, 0x53, 0x59, 0x5C);
        assertCodes(codes, 124, 0x7D, 0x7E, 0x7E, 0x7E);
        int sum = 0;
        for (byte code : codes) {
            sum += code & 0xFF;
        }
        assertThat(sum).isEqualTo(22_856);
    }

    /** The same numbers under ue8m0; NumPy's sum of codes is 22,714, too (as_e4m3 in models/tiny-r1/train/reference.py). */
    @Test
    void scalesAreRoundedUpToAPowerOfTwoIfWanted() {
        float[] x = new float[128];
        for (int i = 0; i < 128; i++) {
            x[i] = (float) ((i - 63.5) / 10);
        }
        byte[] codes = new byte[128];
        assertThat(BlockScale.quantizeGroup(codes, x, 0, 128, true)).isEqualTo(0x1p-6f);
        int sum = 0;
        for (byte code : codes) {
            sum += code & 0xFF;
        }
        assertThat(sum).isEqualTo(22_714);
        assertCodes(codes, 0, 0xFD, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xFB);
        assertThat(BlockScale.ceilToPowerOfTwo(0.25f)).isEqualTo(0.25f);
        assertThat(BlockScale.ceilToPowerOfTwo(Math.nextUp(0.25f))).isEqualTo(0.5f);
        assertThat(BlockScale.ceilToPowerOfTwo(Math.nextDown(0.25f))).isEqualTo(0.25f);
    }

    @Test
    void groupOfZerosHasTheFloorsScale() {
        byte[] codes = {1, 1};
        assertThat(BlockScale.quantizeGroup(codes, new float[2], 0, 2)).isEqualTo(1e-4f / 448f);
        assertThat(codes).containsExactly(0, 0);
    }

    @Test
    void matrixOfRaggedBlocksComesBackWithinHalfAStep() {
        int rows = 130;
        int cols = 200;
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble(-1, 1) * (i % cols < 128 ? 1 : 100));
        }
        byte[] codes = new byte[values.length];
        float[] scales = BlockScale.quantizeMatrix(codes, values, rows, cols);
        assertThat(scales).hasSize(4);
        for (int i = 0; i < values.length; i++) {
            float scale = scales[i / cols / 128 * 2 + i % cols / 128];
            double back = (double) E4m3.decode(codes[i]) * scale;
            assertThat(Math.abs(back - values[i]))
                    .isLessThanOrEqualTo(Math.max(Math.abs(values[i]) / 15, scale * 0x1p-9));
        }
    }

    private static void assertCodes(byte[] codes, int from, int... expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(codes[from + i]).as("code %d", from + i).isEqualTo((byte) expected[i]);
        }
    }
}
