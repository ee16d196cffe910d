package io.millrace.kernels.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.kernels.BitsAssert;
import org.junit.jupiter.api.Test;

class LanesTest {
    @Test
    void expIsWithinTwoUlp() {
        double worst = 0;
        for (float x = ScalarLanes.EXP_LOW; x <= ScalarLanes.EXP_HIGH; x += 0.00037f) {
            double exact = StrictMath.exp(x);
            worst = Math.max(worst, Math.abs(ScalarLanes.exp(x) - exact) / Math.ulp((float) exact));
        }
        assertThat(worst).isLessThan(2);
    }

    @Test
    void expKnowsItsEnds() {
        assertThat(ScalarLanes.exp(0)).isEqualTo(1);
        assertThat(ScalarLanes.exp(-0f)).isEqualTo(1);
        assertThat(ScalarLanes.exp(ScalarLanes.EXP_HIGH)).isFinite();
        assertThat(ScalarLanes.exp(ScalarLanes.EXP_LOW)).isGreaterThan(Float.MIN_NORMAL);
        assertThat(ScalarLanes.exp(Math.nextUp(ScalarLanes.EXP_HIGH))).isInfinite();
        assertThat(ScalarLanes.exp(Math.nextDown(ScalarLanes.EXP_LOW))).isZero();
        assertThat(ScalarLanes.exp(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(ScalarLanes.exp(Float.NaN)).isNaN();
    }

    @Test
    void vectorExpHasTheSameBits() {
        assumeTrue(ModuleLayer.boot().findModule(LaneChoice.MODULE).isPresent());
        int count = 1 << 16;
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = Float.intBitsToFloat(i * 0x9E3779B1); // every kind of float: NaNs, infinities, subnormals
            if (i % 2 == 0) {
                x[i] = (i - count / 2) * 0.0028f;
            }
        }
        float[] scalar = new float[count];
        float[] vector = new float[count];
        new ScalarLanes().expMinus(scalar, 0, x, 0, count, 0.5f);
        VectorCase.lanes().expMinus(vector, 0, x, 0, count, 0.5f);
        assertNanOrSame(vector, scalar);
        new ScalarLanes().expNegated(scalar, 1, x, 3, 1001);
        VectorCase.lanes().expNegated(vector, 1, x, 3, 1001);
        assertNanOrSame(vector, scalar);
    }

    @Test
    void foldAddsByHalves() {
        float[] lanes = {1, 2, 3, 4, 5, 6, 7, 8, 1e8f, -1e8f, 0, 0, 0, 0, 0, 1};
        float expected = (((1 + 1e8f) + 5) + (3 + 7)) + (((2 - 1e8f) + 6) + (4 + (8 + 1)));
        assertThat(Lanes.fold(lanes, 0)).isEqualTo(expected);
    }

    private static void assertNanOrSame(float[] actual, float[] expected) {
        for (int i = 0; i < expected.length; i++) { // a NaN's payload is nobody's business
            if (Float.isNaN(expected[i]) && Float.isNaN(actual[i])) {
                actual[i] = expected[i];
            }
        }
        BitsAssert.assertSameBits("exp", actual, expected, 1);
    }

    /** Keeps the vector class out of reach where the module is missing. */
    private static final class VectorCase {
        static Lanes lanes() {
            return new VectorLanes();
        }
    }
}
