package io.millrace.kernels.numeric;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class E4m3Test {
    @Test
    void decodesKnownCodes() {
        int[] codes = {
            0x00, 0x01, 0x07, 0x08, 0x09, 0x0F, 0x10, 0x30, 0x38, 0x39, 0x3F, 0x40, 0x77, 0x78, 0x7D, 0x7E, 0xB8, 0xFE
        };
        float[] values = {
            0f,
            0.001953125f,
            0.013671875f,
            0.015625f,
            0.017578125f,
            0.029296875f,
            0.03125f,
            0.5f,
            1f,
            1.125f,
            1.875f,
            2f,
            240f,
            256f,
            416f,
            448f,
            -1f,
            -448f
        };
        for (int i = 0; i < codes.length; i++) {
            assertThat(E4m3.decode((byte) codes[i])).as("code %02x", codes[i]).isEqualTo(values[i]);
        }
        assertThat(Float.floatToRawIntBits(E4m3.decode((byte) 0x80))).isEqualTo(Float.floatToRawIntBits(-0f));
        assertThat(E4m3.decode((byte) 0x7F)).isNaN();
        assertThat(E4m3.decode((byte) 0xFF)).isNaN();
    }

    @Test
    void nonNegativeValuesAddUpToTheKnownSum() {
        double sum = 0;
        for (int code = 0; code < 0x7F; code++) {
            sum += E4m3.decode((byte) code);
        }
        assertThat(sum).isEqualTo(5407.875);
    }

    @Test
    void encodesKnownValues() {
        float[] values = {
            0x1p-10f,
            Math.nextUp(0x1p-10f),
            3 * 0x1p-10f,
            1.0625f,
            1.1875f,
            17f,
            19f,
            432f,
            464f,
            480f,
            -300f,
            1e30f,
            Float.NEGATIVE_INFINITY,
            -0f
        };
        int[] codes = {0x00, 0x01, 0x02, 0x38, 0x3A, 0x58, 0x5A, 0x7E, 0x7E, 0x7E, 0xF9, 0x7E, 0xFE, 0x80};
        for (int i = 0; i < values.length; i++) {
            assertThat(E4m3.encode(values[i])).as("%s", values[i]).isEqualTo((byte) codes[i]);
        }
        assertThat(E4m3.isNan(E4m3.encode(Float.NaN))).isTrue();
    }

    @Test
    void everyFiniteCodeComesBack() {
        for (int code = 0; code < 256; code++) {
            if (!E4m3.isNan((byte) code)) {
                assertThat(E4m3.encode(E4m3.decode((byte) code))).isEqualTo((byte) code);
            }
        }
    }

    @Test
    void roundsToTheNearestCodeAndTiesToTheEvenOne() {
        for (int code = 0; code < 0x7E; code++) {
            float low = E4m3.decode((byte) code);
            float high = E4m3.decode((byte) (code + 1));
            float middle = (low + high) / 2;
            assertThat(E4m3.encode(middle)).isEqualTo((byte) (code % 2 == 0 ? code : code + 1));
            assertThat(E4m3.encode(Math.nextDown(middle))).isEqualTo((byte) code);
            assertThat(E4m3.encode(-Math.nextUp(middle))).isEqualTo((byte) (code + 1 | 0x80));
        }
    }
}
