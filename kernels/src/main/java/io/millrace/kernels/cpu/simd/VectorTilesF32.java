package io.millrace.kernels.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Panels of f32 weights times 1 to 4 rows of activations; as {@link VectorTilesE4m3}. */
@SuppressWarnings("MultiVariableDeclaration") // a row's four sums belong together
final class VectorTilesF32 {
    private static final VectorSpecies<Float> F = VectorLanes.F;

    /** Elements of a column of a panel. */
    private static final int COLUMN = Lanes.PANEL_ROWS;

    private VectorTilesF32() {}

    /** {@code t.acc[m, n] += Σ x[m, k] · w[n, k]} block by block of from ≤ k &lt; to, of the lanes from {@code lane} on of every 16 output rows. */
    static void rows1(Tile t, int lane, int from, int to) {
        float[] w = t.f32;
        float[] x = t.x;
        float[] acc = t.acc;
        int x0 = t.rows[0];
        int start = t.start + lane;
        FloatVector zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            int end = Math.min(to, block + Lanes.BLOCK);
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            for (int k = block; k < end; k++) {
                int q = start + k * COLUMN;
                FloatVector w0 = FloatVector.fromArray(F, w, q);
                FloatVector w1 = FloatVector.fromArray(F, w, q + 16);
                FloatVector w2 = FloatVector.fromArray(F, w, q + 32);
                FloatVector w3 = FloatVector.fromArray(F, w, q + 48);
                FloatVector ax = FloatVector.broadcast(F, x[x0 + k]);
                a0 = w0.fma(ax, a0);
                a1 = w1.fma(ax, a1);
                a2 = w2.fma(ax, a2);
                a3 = w3.fma(ax, a3);
            }
            a0.add(FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.add(FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.add(FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.add(FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
        }
    }

    static void rows2(Tile t, int lane, int from, int to) {
        float[] w = t.f32;
        float[] x = t.x;
        float[] acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1];
        int start = t.start + lane;
        FloatVector zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            int end = Math.min(to, block + Lanes.BLOCK);
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            for (int k = block; k < end; k++) {
                int q = start + k * COLUMN;
                FloatVector w0 = FloatVector.fromArray(F, w, q);
                FloatVector w1 = FloatVector.fromArray(F, w, q + 16);
                FloatVector w2 = FloatVector.fromArray(F, w, q + 32);
                FloatVector w3 = FloatVector.fromArray(F, w, q + 48);
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
            a0.add(FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.add(FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.add(FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.add(FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.add(FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.add(FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.add(FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.add(FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
        }
    }

    static void rows3(Tile t, int lane, int from, int to) {
        float[] w = t.f32;
        float[] x = t.x;
        float[] acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1], x2 = t.rows[2];
        int start = t.start + lane;
        FloatVector zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            int end = Math.min(to, block + Lanes.BLOCK);
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
            for (int k = block; k < end; k++) {
                int q = start + k * COLUMN;
                FloatVector w0 = FloatVector.fromArray(F, w, q);
                FloatVector w1 = FloatVector.fromArray(F, w, q + 16);
                FloatVector w2 = FloatVector.fromArray(F, w, q + 32);
                FloatVector w3 = FloatVector.fromArray(F, w, q + 48);
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
            a0.add(FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.add(FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.add(FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.add(FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.add(FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.add(FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.add(FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.add(FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
            c0.add(FloatVector.fromArray(F, acc, lane + 128)).intoArray(acc, lane + 128);
            c1.add(FloatVector.fromArray(F, acc, lane + 144)).intoArray(acc, lane + 144);
            c2.add(FloatVector.fromArray(F, acc, lane + 160)).intoArray(acc, lane + 160);
            c3.add(FloatVector.fromArray(F, acc, lane + 176)).intoArray(acc, lane + 176);
        }
    }

    static void rows4(Tile t, int lane, int from, int to) {
        float[] w = t.f32;
        float[] x = t.x;
        float[] acc = t.acc;
        int x0 = t.rows[0], x1 = t.rows[1], x2 = t.rows[2], x3 = t.rows[3];
        int start = t.start + lane;
        FloatVector zero = FloatVector.zero(F);
        for (int block = from; block < to; block += Lanes.BLOCK) {
            int end = Math.min(to, block + Lanes.BLOCK);
            FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
            FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
            FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero;
            for (int k = block; k < end; k++) {
                int q = start + k * COLUMN;
                FloatVector w0 = FloatVector.fromArray(F, w, q);
                FloatVector w1 = FloatVector.fromArray(F, w, q + 16);
                FloatVector w2 = FloatVector.fromArray(F, w, q + 32);
                FloatVector w3 = FloatVector.fromArray(F, w, q + 48);
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
            a0.add(FloatVector.fromArray(F, acc, lane)).intoArray(acc, lane);
            a1.add(FloatVector.fromArray(F, acc, lane + 16)).intoArray(acc, lane + 16);
            a2.add(FloatVector.fromArray(F, acc, lane + 32)).intoArray(acc, lane + 32);
            a3.add(FloatVector.fromArray(F, acc, lane + 48)).intoArray(acc, lane + 48);
            b0.add(FloatVector.fromArray(F, acc, lane + 64)).intoArray(acc, lane + 64);
            b1.add(FloatVector.fromArray(F, acc, lane + 80)).intoArray(acc, lane + 80);
            b2.add(FloatVector.fromArray(F, acc, lane + 96)).intoArray(acc, lane + 96);
            b3.add(FloatVector.fromArray(F, acc, lane + 112)).intoArray(acc, lane + 112);
            c0.add(FloatVector.fromArray(F, acc, lane + 128)).intoArray(acc, lane + 128);
            c1.add(FloatVector.fromArray(F, acc, lane + 144)).intoArray(acc, lane + 144);
            c2.add(FloatVector.fromArray(F, acc, lane + 160)).intoArray(acc, lane + 160);
            c3.add(FloatVector.fromArray(F, acc, lane + 176)).intoArray(acc, lane + 176);
            d0.add(FloatVector.fromArray(F, acc, lane + 192)).intoArray(acc, lane + 192);
            d1.add(FloatVector.fromArray(F, acc, lane + 208)).intoArray(acc, lane + 208);
            d2.add(FloatVector.fromArray(F, acc, lane + 224)).intoArray(acc, lane + 224);
            d3.add(FloatVector.fromArray(F, acc, lane + 240)).intoArray(acc, lane + 240);
        }
    }
}
