package io.millrace.kernels.numeric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class YarnRopeTest {
    private static final YarnRope R1 = new YarnRope(64, 10_000, new YarnRope.Scaling(40, 4096, 32, 1, 1, 1));

    @Test
    void frequenciesOfR1() {
        int[] index = {0, 1, 10, 11, 16, 17, 20, 22, 23, 31};
        double[] expected = {
            1.0,
            0.7498942093324559,
            0.056234132519034905,
            0.03900692656714386,
            0.0055,
            0.0035619974943291656,
            0.0007905694150420947,
            0.0001778279410038922,
            3.33380358040831e-05,
            3.3338035804083097e-06
        };
        for (int i = 0; i < index.length; i++) {
            assertThat(R1.frequency(index[i])).isCloseTo(expected[i], within(expected[i] * 1e-13));
            assertThat(R1.inverseFrequency(index[i])).isEqualTo((float) expected[i]);
        }
    }

    @Test
    void softmaxScales() {
        assertThat(R1.softmaxScale(192)).isCloseTo(0.1352337788608801, within(1e-15));
        YarnRope v2Lite = new YarnRope(64, 10_000, new YarnRope.Scaling(40, 4096, 32, 1, 0.707, 0.707));
        assertThat(v2Lite.softmaxScale(192)).isCloseTo(0.11472138679292611, within(1e-15));
        assertThat(new YarnRope(64, 50_000, null).softmaxScale(192)).isCloseTo(0.07216878364870322, within(1e-15));
    }

    @Test
    void anglesAreF32Products() {
        YarnRope.Table table = R1.table(100_001);
        assertThat(table.cos()[100_000 * 32 + 1])
                .isCloseTo(0.92309f, within(5e-6f)); // the exact angle would give 0.92272
    }

    @Test
    void rotatesTheKnownVector() {
        YarnRope.Table table = R1.table(8);
        double[] y = new double[64];
        double dot = 0;
        for (int i = 0; i < 32; i++) {
            double x0 = (2 * i + 1) / 64.0;
            double x1 = (2 * i + 2) / 64.0;
            double cos = table.cos()[7 * 32 + i];
            double sin = table.sin()[7 * 32 + i];
            y[2 * i] = x0 * cos - x1 * sin;
            y[2 * i + 1] = x0 * sin + x1 * cos;
            dot += x0 * y[2 * i] + x1 * y[2 * i + 1];
        }
        int[] index = {0, 1, 2, 3, 22, 23, 62, 63};
        double[] expected = {
            -0.008751108485848024,
            0.03382486105320935,
            0.07768127653204578,
            -0.008314740005065407,
            0.24493575137205287,
            0.4580195064894157,
            0.9843516631068949,
            1.0000229717179951
        };
        for (int i = 0; i < index.length; i++) {
            assertThat(y[index[i]]).as("y%d", index[i]).isCloseTo(expected[i], within(1e-6));
        }
        assertThat(dot).isCloseTo(21.404082974718158, within(1e-5));
    }

    @Test
    void differingMscalesMultiplyTheTable() {
        YarnRope yarn = new YarnRope(4, 10_000, new YarnRope.Scaling(40, 4096, 32, 1, 1, 0));
        assertThat(yarn.table(1).cos()[0]).isEqualTo((float) 1.3688879454113936);
        assertThat(yarn.softmaxScale(64)).isEqualTo(0.125);
    }

    @Test
    void refusesOddDimensions() {
        assertThatThrownBy(() -> new YarnRope(63, 10_000, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("qk_rope_head_dim 63 must be even");
    }
}
