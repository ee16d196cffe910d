package io.millrace.kernels.numeric;

/** float8_e4m3fn: sign, 4 exponent bits (bias 7), 3 mantissa bits; no infinity; NaN is 0x7F and 0xFF. Any thread. */
public final class E4m3 {
    /** The largest finite value. */
    public static final float MAX = 448f;

    private static final int MAX_CODE = 0x7E;
    private static final int NAN_CODE = 0x7F;
    private static final float MIN_NORMAL = 0x1p-6f;
    private static final int MANTISSA_SHIFT = 20; // an f32 has 23 mantissa bits, e4m3 has 3
    private static final int BIAS_SHIFT = (127 - 7) << 3;
    private static final float[] DECODED = decodeAll();

    private E4m3() {}

    /** Returns the value of a code, exactly. */
    public static float decode(byte code) {
        return DECODED[code & 0xFF];
    }

    /** Returns whether the code is one of the two NaNs. */
    public static boolean isNan(byte code) {
        return (code & NAN_CODE) == NAN_CODE;
    }

    /** Rounds to nearest, ties to even; saturates at ±{@value #MAX}; a NaN stays one. */
    public static byte encode(float value) {
        int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
        float abs = Math.abs(value);
        if (Float.isNaN(value)) {
            return (byte) (sign | NAN_CODE);
        }
        if (abs < MIN_NORMAL) { // subnormals are multiples of 2^-9; rounding up to 8 of them gives the smallest
            // normal's code
            return (byte) (sign | (int) Math.rint(abs * 0x1p9f));
        }
        int bits = Float.floatToRawIntBits(Math.min(abs, MAX));
        int rounded = bits + 0x7FFFF + (bits >>> MANTISSA_SHIFT & 1);
        return (byte) (sign | Math.min((rounded >>> MANTISSA_SHIFT) - BIAS_SHIFT, MAX_CODE));
    }

    private static float[] decodeAll() {
        float[] values = new float[256];
        for (int code = 0; code < 256; code++) {
            int exponent = code >> 3 & 15;
            int mantissa = code & 7;
            double abs = exponent == 0 ? mantissa * 0x1p-9 : (8 + mantissa) * StrictMath.pow(2, exponent - 10);
            float value = (code & NAN_CODE) == NAN_CODE ? Float.NaN : (float) abs;
            values[code] = code < 128 ? value : -value;
        }
        return values;
    }
}
