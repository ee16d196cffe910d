package io.millrace.kernels.cpu.simd;

import io.millrace.kernels.numeric.Bf16;
import io.millrace.kernels.numeric.E4m3;
import java.util.Arrays;

/** {@link Lanes} as plain loops: for JVMs without the Vector API, and what {@link VectorLanes} is compared with. */
public final class ScalarLanes implements Lanes {
    /** Above: +∞. */
    static final float EXP_HIGH = 88.72283f;
    /** Below: 0, so that no result is subnormal. */
    static final float EXP_LOW = -87.33f;

    static final float LOG2_E = 0x1.715476p0f;
    /** ln 2 in two parts; the first is short, so that its product with an exponent is exact. */
    static final float LN2_HIGH = 0x1.62e4p-1f;

    static final float LN2_LOW = 0x1.7f7d1cp-20f;
    /** Adding it rounds to an integer, which then is in the low bits. */
    static final float ROUNDING = 0x1.8p23f;

    static final int MANTISSA_BITS = 23;

    private static final float[] E4M3_WIDENED = widenedCodes();

    /** Makes one. */
    public ScalarLanes() {}

    /**
     * The float exponential of every back end: {@code 2^n · p(r)}, n = round(x · log₂e), r = x − n ln 2 in two steps, p = Taylor's
     * polynomial of degree 7 (its remainder is below 2⁻²⁷ for |r| ≤ ½ ln 2), all with fma. At most 2 ulp off; 0 below −87.33, +∞
     * above 88.72283, NaN for NaN.
     */
    public static float exp(float x) {
        if (x < EXP_LOW) {
            return 0;
        }
        if (x > EXP_HIGH) {
            return Float.POSITIVE_INFINITY;
        }
        if (Float.isNaN(x)) {
            return x;
        }
        float shifted = Math.fma(x, LOG2_E, ROUNDING);
        float n = shifted - ROUNDING;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float p = Math.fma(1 / 5040f, r, 1 / 720f);
        p = Math.fma(p, r, 1 / 120f);
        p = Math.fma(p, r, 1 / 24f);
        p = Math.fma(p, r, 1 / 6f);
        p = Math.fma(p, r, 0.5f);
        p = Math.fma(p, r, 1f);
        p = Math.fma(p, r, 1f);
        return Float.intBitsToFloat(Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(shifted) << MANTISSA_BITS));
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int tileRows(int rows) {
        return Math.min(rows, Tile.MAX_ROWS);
    }

    @Override
    public int tilePanels(Tile.Format format, int tileRows) {
        return 1;
    }

    @Override
    public void multiply(Tile t, int rows) {
        for (int k = 0; k < t.cols; k += BLOCK) {
            int count = Math.min(t.cols - k, BLOCK);
            Arrays.fill(t.sums, 0, t.panels * rows * PANEL_ROWS, 0);
            for (int p = 0; p < t.panels; p++) {
                widen(t, t.start + (p * t.cols + k) * PANEL_ROWS, count);
                for (int m = 0; m < rows; m++) {
                    for (int i = 0; i < count; i++) {
                        addColumn(
                                t.sums, (p * rows + m) * PANEL_ROWS, t.widened, i * PANEL_ROWS, t.x[t.rows[m] + k + i]);
                    }
                }
            }
            t.addSums(rows, k);
        }
    }

    /** A loop that the compiler turns into vectors by itself. */
    private static void addColumn(float[] sums, int at, float[] widened, int from, float x) {
        for (int n = 0; n < PANEL_ROWS; n++) {
            sums[at + n] = Math.fma(widened[from + n], x, sums[at + n]);
        }
    }

    private static void widen(Tile t, int start, int count) {
        float[] out = t.widened;
        switch (t.format) {
            case E4M3:
                for (int i = 0; i < count * PANEL_ROWS; i++) {
                    int p = i % PANEL_ROWS;
                    out[i - p + p % 4 * 16 + p / 4] = E4M3_WIDENED[t.e4m3[start + i] & 0xFF];
                }
                break;
            case BF16:
                for (int i = 0; i < count * PANEL_ROWS; i++) {
                    int p = i % 32;
                    out[i - p + p % 2 * 16 + p / 2] = Bf16.toFloat(t.bf16[start + i]);
                }
                break;
            case F32:
                System.arraycopy(t.f32, start, out, 0, count * PANEL_ROWS);
                break;
        }
    }

    /** Returns where a panel row's code lies within a column of 64 e4m3 bytes. */
    public static int e4m3Index(int row) {
        return (row % 16) * 4 + row / 16;
    }

    /** Returns where a panel row's weight lies within a column of 64 bf16 shorts. */
    public static int bf16Index(int row) {
        return row / 32 * 32 + (row % 16) * 2 + row / 16 % 2;
    }

    @Override
    public void dots(Keys keys, float[] q, int qStart, int qStep, int count) {
        for (int h = 0; h < keys.heads; h++) {
            dots(keys, h * Keys.MAX_KEYS, q, qStart + h * qStep, count);
        }
    }

    private static void dots(Keys keys, int weightStart, float[] q, int qStart, int count) {
        float[] lanes = keys.lanes;
        for (int i = keys.from; i < keys.to; i++) {
            Arrays.fill(lanes, 0, SUM_LANES, 0);
            int key = keys.starts[i];
            for (int j = 0; j < count; j++) {
                lanes[j % SUM_LANES] = Math.fma(q[qStart + j], keys.pages[key + j], lanes[j % SUM_LANES]);
            }
            keys.weights[weightStart + i] = Lanes.fold(lanes, 0);
        }
    }

    @Override
    public void weightedSums(Keys keys, float[] out, int outStart, int outStep, int count) {
        for (int h = 0; h < keys.heads; h++) {
            weightedSums(keys, h * Keys.MAX_KEYS, out, outStart + h * outStep, count);
        }
    }

    private static void weightedSums(Keys keys, int weightStart, float[] out, int outStart, int count) {
        Arrays.fill(out, outStart, outStart + count, 0);
        for (int i = keys.from; i < keys.to; i++) {
            float weight = keys.weights[weightStart + i];
            int key = keys.starts[i];
            for (int j = 0; j < count; j++) {
                out[outStart + j] = Math.fma(weight, keys.pages[key + j], out[outStart + j]);
            }
        }
    }

    @Override
    public float sumSquares(float[] x, int start, int count, float[] lanes) {
        Arrays.fill(lanes, 0, SUM_LANES, 0);
        for (int i = 0; i < count; i++) {
            lanes[i % SUM_LANES] = Math.fma(x[start + i], x[start + i], lanes[i % SUM_LANES]);
        }
        return Lanes.fold(lanes, 0);
    }

    @Override
    public float sum(float[] x, int start, int count, float[] lanes) {
        Arrays.fill(lanes, 0, SUM_LANES, 0);
        for (int i = 0; i < count; i++) {
            lanes[i % SUM_LANES] += x[start + i];
        }
        return Lanes.fold(lanes, 0);
    }

    @Override
    public float max(float[] x, int start, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = start; i < start + count; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }

    @Override
    public void expMinus(float[] out, int outStart, float[] x, int start, int count, float shift) {
        for (int i = 0; i < count; i++) {
            out[outStart + i] = exp(x[start + i] - shift);
        }
    }

    @Override
    public void expNegated(float[] out, int outStart, float[] x, int start, int count) {
        for (int i = 0; i < count; i++) {
            out[outStart + i] = exp(-x[start + i]);
        }
    }

    /** Every code's value · 2⁻¹²⁰, exact: what the vector code gets by moving bits. */
    private static float[] widenedCodes() {
        float[] values = new float[256];
        for (int code = 0; code < values.length; code++) {
            values[code] = E4m3.decode((byte) code) * 0x1p-120f;
        }
        return values;
    }
}
