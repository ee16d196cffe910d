package io.millrace.kernels.numeric;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Bf16Test {
    @Test
    void everyValueComesBack() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Bf16.toFloat((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(Bf16.fromFloat(value)).isEqualTo((short) bits);
            }
        }
    }

    @Test
    void roundsTiesToEvenAndKeepsNan() {
        assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F808000))).isEqualTo((short) 0x3F80);
        assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F818000))).isEqualTo((short) 0x3F82);
        assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F808001))).isEqualTo((short) 0x3F81);
        assertThat(Bf16.fromFloat(Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
        assertThat(Bf16.toFloat(Bf16.fromFloat(Float.intBitsToFloat(0x7F800001))))
                .isNaN();
    }
}
