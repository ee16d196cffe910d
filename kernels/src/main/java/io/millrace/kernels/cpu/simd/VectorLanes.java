package io.millrace.kernels.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Lanes} with the Vector API, 128 to 512 bits wide; the width is fixed when the class is loaded. Wider reductions than the
 * register run once per group of lanes, so that the 16 logical lanes are the same at every width.
 *
 * <p>Uses {@code fromArray} and {@code intoArray} only (byte buffers compiled on 17 don't run on 25), and never a floating-point
 * {@code reduceLanes}, whose order isn't fixed.
 */
public final class VectorLanes implements Lanes {
    static final VectorSpecies<Float> F = species();
    private static final int LANES = F.length();

    /** Makes one. */
    public VectorLanes() {}

    private static VectorSpecies<Float> species() {
        String bits = System.getProperty(LaneChoice.PROPERTY);
        if (bits == null || bits.equals("machine")) {
            int preferred = FloatVector.SPECIES_PREFERRED.vectorBitSize();
            bits = preferred >= 512 ? "512" : preferred >= 256 ? "256" : "128";
        }
        switch (bits) {
            case "512":
            case "256":
            case "128":
                return VectorSpecies.of(float.class, VectorShape.forBitSize(Integer.parseInt(bits)));
            default:
                throw new IllegalArgumentException(
                        LaneChoice.PROPERTY + " is \"" + bits + "\": 512, 256, 128, machine or scalar");
        }
    }

    @Override
    public String name() {
        return Integer.toString(F.vectorBitSize());
    }

    /** Tiles have 1 to 4 rows; narrower machines mostly have 16 registers: 2 × 4 sums, 4 weights. */
    @Override
    public int tileRows(int rows) {
        if (LANES < SUM_LANES) {
            return Math.min(rows, 2);
        }
        return rows == 5 || rows == 6 || rows == 9 ? 3 : Math.min(rows, 4); // 3 + 2, 3 + 3, 3 + 3 + 3
    }

    @Override
    public int tilePanels(Tile.Format format, int tileRows) {
        if (LANES < SUM_LANES || format == Tile.Format.F32) {
            return 1;
        }
        return tileRows == 1 ? 2 : 1;
    }

    @Override
    public void multiply(Tile t, int rows) {
        int step = LANES < SUM_LANES ? BLOCK : t.cols; // several passes over the weights: block by block, for the cache
        for (int k = 0; k < t.cols; k += step) {
            int end = Math.min(t.cols, k + step);
            for (int lane = 0; lane < SUM_LANES; lane += LANES) {
                switch (t.format) {
                    case E4M3:
                        multiplyE4m3(t, rows, lane, k, end);
                        break;
                    case BF16:
                        multiplyBf16(t, rows, lane, k, end);
                        break;
                    case F32:
                        multiplyF32(t, rows, lane, k, end);
                        break;
                }
            }
        }
    }

    private static void multiplyE4m3(Tile t, int rows, int lane, int from, int to) {
        switch (t.panels > 1 ? -rows : rows) {
            case 1 -> VectorTilesE4m3.rows1(t, lane, from, to);
            case 2 -> VectorTilesE4m3.rows2(t, lane, from, to);
            case 3 -> VectorTilesE4m3.rows3(t, lane, from, to);
            case 4 -> VectorTilesE4m3.rows4(t, lane, from, to);
            case -1 -> VectorTilesE4m3.panels2Rows1(t, lane, from, to);
            default -> throw noTile(t, rows);
        }
    }

    private static void multiplyBf16(Tile t, int rows, int lane, int from, int to) {
        switch (t.panels > 1 ? -rows : rows) {
            case 1 -> VectorTilesBf16.rows1(t, lane, from, to);
            case 2 -> VectorTilesBf16.rows2(t, lane, from, to);
            case 3 -> VectorTilesBf16.rows3(t, lane, from, to);
            case 4 -> VectorTilesBf16.rows4(t, lane, from, to);
            case -1 -> VectorTilesBf16.panels2Rows1(t, lane, from, to);
            default -> throw noTile(t, rows);
        }
    }

    private static void multiplyF32(Tile t, int rows, int lane, int from, int to) {
        switch (t.panels > 1 ? -rows : rows) {
            case 1 -> VectorTilesF32.rows1(t, lane, from, to);
            case 2 -> VectorTilesF32.rows2(t, lane, from, to);
            case 3 -> VectorTilesF32.rows3(t, lane, from, to);
            case 4 -> VectorTilesF32.rows4(t, lane, from, to);
            default -> throw noTile(t, rows);
        }
    }

    private static IllegalArgumentException noTile(Tile t, int rows) {
        return new IllegalArgumentException("no tile of " + t.panels + " panels × " + rows + " rows for " + t.format);
    }

    @Override
    public void dots(Keys keys, float[] q, int qStart, int qStep, int count) {
        VectorAttention.dots(keys, q, qStart, qStep, count);
    }

    @Override
    public void weightedSums(Keys keys, float[] out, int outStart, int outStep, int count) {
        VectorAttention.weightedSums(keys, out, outStart, outStep, count);
    }

    @Override
    public float sumSquares(float[] x, int start, int count, float[] lanes) {
        int whole = count - count % SUM_LANES;
        for (int lane = 0; lane < SUM_LANES; lane += LANES) {
            FloatVector a = FloatVector.zero(F);
            for (int i = lane; i < whole; i += SUM_LANES) {
                FloatVector v = FloatVector.fromArray(F, x, start + i);
                a = v.fma(v, a);
            }
            a.intoArray(lanes, lane);
        }
        for (int i = whole; i < count; i++) {
            lanes[i - whole] = Math.fma(x[start + i], x[start + i], lanes[i - whole]);
        }
        return Lanes.fold(lanes, 0);
    }

    @Override
    public float sum(float[] x, int start, int count, float[] lanes) {
        int whole = count - count % SUM_LANES;
        for (int lane = 0; lane < SUM_LANES; lane += LANES) {
            FloatVector a = FloatVector.zero(F);
            for (int i = lane; i < whole; i += SUM_LANES) {
                a = a.add(FloatVector.fromArray(F, x, start + i));
            }
            a.intoArray(lanes, lane);
        }
        for (int i = whole; i < count; i++) {
            lanes[i - whole] += x[start + i];
        }
        return Lanes.fold(lanes, 0);
    }

    @Override
    public float max(float[] x, int start, int count) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (count >= LANES) {
            FloatVector a = FloatVector.broadcast(F, max);
            for (; i + LANES <= count; i += LANES) {
                a = a.max(FloatVector.fromArray(F, x, start + i));
            }
            for (int lane = 0; lane < LANES; lane++) {
                max = Math.max(max, a.lane(lane));
            }
        }
        for (; i < count; i++) {
            max = Math.max(max, x[start + i]);
        }
        return max;
    }

    @Override
    public void expMinus(float[] out, int outStart, float[] x, int start, int count, float shift) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            exp(FloatVector.fromArray(F, x, start + i).sub(shift)).intoArray(out, outStart + i);
        }
        for (; i < count; i++) {
            out[outStart + i] = ScalarLanes.exp(x[start + i] - shift);
        }
    }

    @Override
    public void expNegated(float[] out, int outStart, float[] x, int start, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            exp(FloatVector.fromArray(F, x, start + i).neg()).intoArray(out, outStart + i);
        }
        for (; i < count; i++) {
            out[outStart + i] = ScalarLanes.exp(-x[start + i]);
        }
    }

    /** {@link ScalarLanes#exp(float)}, lane by lane. */
    private static FloatVector exp(FloatVector x) {
        FloatVector rounding = FloatVector.broadcast(F, ScalarLanes.ROUNDING);
        FloatVector shifted = x.fma(FloatVector.broadcast(F, ScalarLanes.LOG2_E), rounding);
        FloatVector n = shifted.sub(rounding);
        FloatVector r = n.fma(FloatVector.broadcast(F, -ScalarLanes.LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(F, -ScalarLanes.LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(F, 1 / 5040f), FloatVector.broadcast(F, 1 / 720f));
        p = p.fma(r, FloatVector.broadcast(F, 1 / 120f));
        p = p.fma(r, FloatVector.broadcast(F, 1 / 24f));
        p = p.fma(r, FloatVector.broadcast(F, 1 / 6f));
        p = p.fma(r, FloatVector.broadcast(F, 0.5f));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, ScalarLanes.MANTISSA_BITS);
        FloatVector y = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        y = y.blend(0f, x.compare(VectorOperators.LT, ScalarLanes.EXP_LOW));
        y = y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, ScalarLanes.EXP_HIGH));
        VectorMask<Float> isNan = x.test(VectorOperators.IS_NAN);
        return y.blend(x, isNan);
    }
}
