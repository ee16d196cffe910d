package io.millrace.kernels.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** {@link Lanes#multiply} for bf16 panels: as {@link VectorTilesE4m3}, without scales. */
final class VectorTilesBf16 {
    private static final VectorSpecies<Float> F = VectorLanes.F;
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    private static final int LANES = F.length();
    private static final int UPPER = 0xFFFF0000;

    private VectorTilesBf16() {}

    static void multiply(Tile t, int rows) {
        for (int lane = 0; lane < Lanes.SUM_LANES; lane += LANES) {
            for (int k = 0; k < t.cols; k += Lanes.BLOCK) {
                int end = Math.min(t.cols, k + Lanes.BLOCK);
                if (rows == 1) {
                    rows1(t, lane, k, end);
                } else if (rows == 2) {
                    rows2(t, lane, k, end);
                } else {
                    rows4(t, lane, k, end);
                }
            }
        }
    }

    private static void rows1(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x;
        int x0 = t.rows[0];
        int start = t.start + 2 * lane;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        for (int k = from; k < to; k++) {
            int q = start + k * Lanes.PANEL_ROWS;
            IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
            IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
            FloatVector w0 = u.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
            FloatVector w2 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w3 = v.and(UPPER).reinterpretAsFloats();
            FloatVector ax = FloatVector.broadcast(F, x[x0 + k]);
            a0 = w0.fma(ax, a0);
            a1 = w1.fma(ax, a1);
            a2 = w2.fma(ax, a2);
            a3 = w3.fma(ax, a3);
        }
        add(a0, a1, a2, a3, t.acc, lane);
    }

    private static void rows2(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x;
        int x0 = t.rows[0];
        int x1 = t.rows[1];
        int start = t.start + 2 * lane;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int k = from; k < to; k++) {
            int q = start + k * Lanes.PANEL_ROWS;
            IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
            IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
            FloatVector w0 = u.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
            FloatVector w2 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w3 = v.and(UPPER).reinterpretAsFloats();
            FloatVector ax = FloatVector.broadcast(F, x[x0 + k]);
            a0 = w0.fma(ax, a0);
            a1 = w1.fma(ax, a1);
            a2 = w2.fma(ax, a2);
            a3 = w3.fma(ax, a3);
            FloatVector bx = FloatVector.broadcast(F, x[x1 + k]);
            b0 = w0.fma(bx, b0);
            b1 = w1.fma(bx, b1);
            b2 = w2.fma(bx, b2);
            b3 = w3.fma(bx, b3);
        }
        add(a0, a1, a2, a3, t.acc, lane);
        add(b0, b1, b2, b3, t.acc, Lanes.PANEL_ROWS + lane);
    }

    private static void rows4(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x;
        int x0 = t.rows[0];
        int x1 = t.rows[1];
        int x2 = t.rows[2];
        int x3 = t.rows[3];
        int start = t.start + 2 * lane;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        FloatVector c0 = FloatVector.zero(F);
        FloatVector c1 = FloatVector.zero(F);
        FloatVector c2 = FloatVector.zero(F);
        FloatVector c3 = FloatVector.zero(F);
        FloatVector d0 = FloatVector.zero(F);
        FloatVector d1 = FloatVector.zero(F);
        FloatVector d2 = FloatVector.zero(F);
        FloatVector d3 = FloatVector.zero(F);
        for (int k = from; k < to; k++) {
            int q = start + k * Lanes.PANEL_ROWS;
            IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
            IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
            FloatVector w0 = u.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
            FloatVector w2 = v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            FloatVector w3 = v.and(UPPER).reinterpretAsFloats();
            FloatVector ax = FloatVector.broadcast(F, x[x0 + k]);
            a0 = w0.fma(ax, a0);
            a1 = w1.fma(ax, a1);
            a2 = w2.fma(ax, a2);
            a3 = w3.fma(ax, a3);
            FloatVector bx = FloatVector.broadcast(F, x[x1 + k]);
            b0 = w0.fma(bx, b0);
            b1 = w1.fma(bx, b1);
            b2 = w2.fma(bx, b2);
            b3 = w3.fma(bx, b3);
            FloatVector cx = FloatVector.broadcast(F, x[x2 + k]);
            c0 = w0.fma(cx, c0);
            c1 = w1.fma(cx, c1);
            c2 = w2.fma(cx, c2);
            c3 = w3.fma(cx, c3);
            FloatVector dx = FloatVector.broadcast(F, x[x3 + k]);
            d0 = w0.fma(dx, d0);
            d1 = w1.fma(dx, d1);
            d2 = w2.fma(dx, d2);
            d3 = w3.fma(dx, d3);
        }
        add(a0, a1, a2, a3, t.acc, lane);
        add(b0, b1, b2, b3, t.acc, Lanes.PANEL_ROWS + lane);
        add(c0, c1, c2, c3, t.acc, 2 * Lanes.PANEL_ROWS + lane);
        add(d0, d1, d2, d3, t.acc, 3 * Lanes.PANEL_ROWS + lane);
    }

    /** Adds a block's sums of 64 output rows to the accumulators. */
    private static void add(FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3, float[] acc, int at) {
        a0.add(FloatVector.fromArray(F, acc, at)).intoArray(acc, at);
        a1.add(FloatVector.fromArray(F, acc, at + 16)).intoArray(acc, at + 16);
        a2.add(FloatVector.fromArray(F, acc, at + 32)).intoArray(acc, at + 32);
        a3.add(FloatVector.fromArray(F, acc, at + 48)).intoArray(acc, at + 48);
    }
}
