package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class FiniteScanTest {
    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void everyFiniteE4m3CodePassesAndBothNansDontWhereverTheyAre() {
        ByteBuffer codes = buffer(254);
        for (int code = 0; code < 256; code++) {
            if (code != 0x7F && code != 0xFF) {
                codes.put((byte) code);
            }
        }
        codes.flip();
        assertThat(FiniteScan.firstBad("F8_E4M3", codes)).isEqualTo(-1);
        for (int at = 0; at < 254; at++) {
            byte before = codes.get(at);
            codes.put(at, (byte) (at % 2 == 0 ? 0x7F : 0xFF));
            assertThat(FiniteScan.firstBad("F8_E4M3", codes)).isEqualTo(at);
            codes.put(at, before);
        }
    }

    @Test
    void everyBf16IsJudgedAsItsFloat() {
        for (int bits = 0; bits < 65536; bits++) {
            ByteBuffer one = buffer(4).putShort(0, (short) 0x3F80).putShort(2, (short) bits);
            boolean isFinite = Float.isFinite(Float.intBitsToFloat(bits << 16));
            assertThat(FiniteScan.firstBad("BF16", one)).as("%04x", bits).isEqualTo(isFinite ? -1 : 1);
        }
    }

    @Test
    void findsF32NansAndInfinities() {
        ByteBuffer data = buffer(12).putFloat(0, -Float.MAX_VALUE).putFloat(4, Float.MIN_VALUE);
        assertThat(FiniteScan.firstBad("F32", data)).isEqualTo(-1);
        assertThat(FiniteScan.firstBad("F32", data.putFloat(8, Float.NEGATIVE_INFINITY)))
                .isEqualTo(2);
        assertThat(FiniteScan.firstBad("F32", data.putFloat(8, Float.NaN))).isEqualTo(2);
    }
}
