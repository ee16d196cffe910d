package io.millrace.kernels.cpu.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/** Panels of bf16 weights times 1 to 4 rows of activations; as {@link VectorTilesE4m3}. */
@SuppressWarnings("MultiVariableDeclaration") // a row's four sums belong together
final class VectorTilesBf16 {
    private static final VectorSpecies<Float> F = VectorLanes.F;
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    private static final int UPPER = 0xFFFF0000;

    /** Elements of a column of a panel. */
    private static final int COLUMN = Lanes.PANEL_ROWS;

    private VectorTilesBf16() {}

    /** {@code t.acc[m, n] = fma(Σ x[m, k] · w[n, k], t.scale, t.acc[m, n])} block by block of from ≤ k &lt; to, of the lanes from {@code lane} on of every 16 output rows. */
    static void rows1(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x, acc = t.acc;
        int x0 = t.rows[0];
        int start = t.start + 2 * lane;
        FloatVector s = FloatVector.broadcast(F, t.scale), zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            for (int k = block, end = Math.min(to, block + Lanes.BLOCK); k < end; k++) {
                int q = start + k * COLUMN;
                IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
                IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
                FloatVector w0 = u.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
                FloatVector w2 = v.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w3 = v.and(UPPER).reinterpretAsFloats();
                FloatVector ax = FloatVector.broadcast(F, x[x0 + k]);
                a0 = w0.fma(ax, a0);
                a1 = w1.fma(ax, a1);
                a2 = w2.fma(ax, a2);
                a3 = w3.fma(ax, a3);
            }
            a0.fma(s, FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.fma(s, FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.fma(s, FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.fma(s, FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
        }
    }

    static void rows2(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x, acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1];
        int start = t.start + 2 * lane;
        FloatVector s = FloatVector.broadcast(F, t.scale), zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            for (int k = block, end = Math.min(to, block + Lanes.BLOCK); k < end; k++) {
                int q = start + k * COLUMN;
                IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
                IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
                FloatVector w0 = u.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
                FloatVector w2 = v.lanewise(LSHL, 16).reinterpretAsFloats();
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
            a0.fma(s, FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.fma(s, FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.fma(s, FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.fma(s, FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.fma(s, FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.fma(s, FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.fma(s, FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.fma(s, FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
        }
    }

    static void rows3(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x, acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1], x2 = t.rows[2];
        int start = t.start + 2 * lane;
        FloatVector s = FloatVector.broadcast(F, t.scale), zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
            for (int k = block, end = Math.min(to, block + Lanes.BLOCK); k < end; k++) {
                int q = start + k * COLUMN;
                IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
                IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
                FloatVector w0 = u.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
                FloatVector w2 = v.lanewise(LSHL, 16).reinterpretAsFloats();
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
            }
            a0.fma(s, FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.fma(s, FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.fma(s, FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.fma(s, FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.fma(s, FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.fma(s, FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.fma(s, FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.fma(s, FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
            c0.fma(s, FloatVector.fromArray(F, acc, lane + 128)).intoArray(acc, lane + 128);
            c1.fma(s, FloatVector.fromArray(F, acc, lane + 144)).intoArray(acc, lane + 144);
            c2.fma(s, FloatVector.fromArray(F, acc, lane + 160)).intoArray(acc, lane + 160);
            c3.fma(s, FloatVector.fromArray(F, acc, lane + 176)).intoArray(acc, lane + 176);
        }
    }

    static void rows4(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x, acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1], x2 = t.rows[2], x3 = t.rows[3];
        int start = t.start + 2 * lane;
        FloatVector s = FloatVector.broadcast(F, t.scale), zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
            FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero;
            for (int k = block, end = Math.min(to, block + Lanes.BLOCK); k < end; k++) {
                int q = start + k * COLUMN;
                IntVector u = ShortVector.fromArray(S, w, q).reinterpretAsInts();
                IntVector v = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
                FloatVector w0 = u.lanewise(LSHL, 16).reinterpretAsFloats();
                FloatVector w1 = u.and(UPPER).reinterpretAsFloats();
                FloatVector w2 = v.lanewise(LSHL, 16).reinterpretAsFloats();
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
            a0.fma(s, FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.fma(s, FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.fma(s, FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.fma(s, FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.fma(s, FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.fma(s, FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.fma(s, FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.fma(s, FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
            c0.fma(s, FloatVector.fromArray(F, acc, lane + 128)).intoArray(acc, lane + 128);
            c1.fma(s, FloatVector.fromArray(F, acc, lane + 144)).intoArray(acc, lane + 144);
            c2.fma(s, FloatVector.fromArray(F, acc, lane + 160)).intoArray(acc, lane + 160);
            c3.fma(s, FloatVector.fromArray(F, acc, lane + 176)).intoArray(acc, lane + 176);
            d0.fma(s, FloatVector.fromArray(F, acc, lane + 192)).intoArray(acc, lane + 192);
            d1.fma(s, FloatVector.fromArray(F, acc, lane + 208)).intoArray(acc, lane + 208);
            d2.fma(s, FloatVector.fromArray(F, acc, lane + 224)).intoArray(acc, lane + 224);
            d3.fma(s, FloatVector.fromArray(F, acc, lane + 240)).intoArray(acc, lane + 240);
        }
    }

    /** As {@link #rows1}, two panels at once: {@code t.acc[p, m, n]}. Two streams of weights keep more reads in flight than one does. */
    static void panels2Rows1(Tile t, int lane, int from, int to) {
        short[] w = t.bf16;
        float[] x = t.x;
        float[] acc = t.acc;
        int x0 = t.rows[0];
        int start = t.start + 2 * lane;
        int step = t.cols * Lanes.PANEL_ROWS;
        FloatVector s = FloatVector.broadcast(F, t.scale), zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            int end = Math.min(to, block + Lanes.BLOCK);
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            for (int k = block; k < end; k++) {
                int q = start + k * COLUMN;
                FloatVector x0k = FloatVector.broadcast(F, x[x0 + k]);
                IntVector u0 = ShortVector.fromArray(S, w, q).reinterpretAsInts();
                IntVector v0 = ShortVector.fromArray(S, w, q + 32).reinterpretAsInts();
                FloatVector w00 = u0.lanewise(LSHL, 16).reinterpretAsFloats();
                a0 = w00.fma(x0k, a0);
                FloatVector w01 = u0.and(UPPER).reinterpretAsFloats();
                a1 = w01.fma(x0k, a1);
                FloatVector w02 = v0.lanewise(LSHL, 16).reinterpretAsFloats();
                a2 = w02.fma(x0k, a2);
                FloatVector w03 = v0.and(UPPER).reinterpretAsFloats();
                a3 = w03.fma(x0k, a3);
                IntVector u1 = ShortVector.fromArray(S, w, q + step).reinterpretAsInts();
                IntVector v1 = ShortVector.fromArray(S, w, q + step + 32).reinterpretAsInts();
                FloatVector w10 = u1.lanewise(LSHL, 16).reinterpretAsFloats();
                b0 = w10.fma(x0k, b0);
                FloatVector w11 = u1.and(UPPER).reinterpretAsFloats();
                b1 = w11.fma(x0k, b1);
                FloatVector w12 = v1.lanewise(LSHL, 16).reinterpretAsFloats();
                b2 = w12.fma(x0k, b2);
                FloatVector w13 = v1.and(UPPER).reinterpretAsFloats();
                b3 = w13.fma(x0k, b3);
            }
            a0.fma(s, FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.fma(s, FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.fma(s, FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.fma(s, FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.fma(s, FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.fma(s, FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.fma(s, FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.fma(s, FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
        }
    }
}
