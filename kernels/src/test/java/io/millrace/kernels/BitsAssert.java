package io.millrace.kernels;

/** Compares results bit by bit and says where they first differ. */
public final class BitsAssert {
    private BitsAssert() {}

    /**
     * Fails unless both hold the same bits.
     *
     * @param actual [rows, cols] f32
     * @param expected [rows, cols] f32
     */
    public static void assertSameBits(String what, float[] actual, float[] expected, int cols) {
        if (actual.length != expected.length) {
            throw new AssertionError(what + ": " + actual.length + " values instead of " + expected.length);
        }
        for (int i = 0; i < actual.length; i++) {
            if (Float.floatToRawIntBits(actual[i]) != Float.floatToRawIntBits(expected[i])) {
                throw new AssertionError(String.format(
                        "%s: [%d, %d] is %s (%08x) instead of %s (%08x)",
                        what,
                        i / cols,
                        i % cols,
                        actual[i],
                        Float.floatToRawIntBits(actual[i]),
                        expected[i],
                        Float.floatToRawIntBits(expected[i])));
            }
        }
    }

    /**
     * Fails unless each value is within {@code bound · (magnitude + tiny)} of the expected one.
     *
     * @param magnitude [rows, cols] sums of absolute terms
     */
    public static void assertClose(
            String what, float[] actual, double[] expected, double[] magnitude, double bound, int cols) {
        if (actual.length != expected.length) {
            throw new AssertionError(what + ": " + actual.length + " values instead of " + expected.length);
        }
        for (int i = 0; i < actual.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            if (!(error <= bound * (magnitude[i] + 1e-30))) {
                throw new AssertionError(String.format(
                        "%s: [%d, %d] is %s instead of %s: off by %.3g, allowed %.3g",
                        what, i / cols, i % cols, actual[i], expected[i], error, bound * magnitude[i]));
            }
        }
    }
}
