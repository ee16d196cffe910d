package io.millrace.kernels.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Attention of 8 heads over cached keys, for 512-bit registers: a key is read from memory once for all of them, 8 heads × 2 keys of dots
 * and 8 heads × 32 columns of weighted sums stay in registers. The queries are packed, and the heads' weights lie a fixed distance apart, so that
 * one base register reaches all heads.
 *
 * <p>Only methods of the Vector API are called inside the tiles, as in {@link VectorTilesE4m3}.
 */
@SuppressWarnings("MultiVariableDeclaration") // a head's two sums belong together
final class VectorEightHeads {
    static final int HEADS = 8;
    /** Columns of a tile of weighted sums. */
    static final int COLUMNS = 32;

    private static final VectorSpecies<Float> F = VectorLanes.F;
    private static final int SUM_LANES = Lanes.SUM_LANES;
    private static final int KEYS = 2;
    private static final VectorMask<Float> BIT8 = VectorMask.fromLong(F, 0xff00L);
    private static final VectorMask<Float> BIT4 = VectorMask.fromLong(F, 0xf0f0L);
    private static final VectorMask<Float> BIT2 = VectorMask.fromLong(F, 0xccccL);
    private static final VectorMask<Float> BIT1 = VectorMask.fromLong(F, 0xaaaaL);

    private static final VectorShuffle<Float> SWAP8 = VectorShuffle.fromOp(F, lane -> lane ^ 8);
    private static final VectorShuffle<Float> SWAP4 = VectorShuffle.fromOp(F, lane -> lane ^ 4);
    private static final VectorShuffle<Float> SWAP2 = VectorShuffle.fromOp(F, lane -> lane ^ 2);
    private static final VectorShuffle<Float> SWAP1 = VectorShuffle.fromOp(F, lane -> lane ^ 1);

    private VectorEightHeads() {}

    /**
     * {@link Lanes#dots} of the heads {@code head} … + 7; returns the first key that is left.
     *
     * <p>The two keys of a tile come from the two halves of the run: with keys from memory, two streams are read nearly twice as fast as
     * one.
     */
    static int dots(Keys keys, int head, float[] q, int qStart, int qStep, int count) {
        int whole = count - count % SUM_LANES;
        keys.reserveQueries(HEADS * whole);
        for (int h = 0; h < HEADS; h++) {
            for (int j = 0; j < whole; j += SUM_LANES) {
                System.arraycopy(q, qStart + h * qStep + j, keys.queries, HEADS * j + SUM_LANES * h, SUM_LANES);
            }
        }
        int half = (keys.to - keys.from) / KEYS;
        for (int i = keys.from; i < keys.from + half; i++) {
            dots(keys, i, i + half, whole);
            for (int j = whole; j < count; j++) {
                addColumn(keys, i, half, q, qStart + j, qStep, j);
            }
            fold(keys.lanes);
            for (int h = 0; h < HEADS; h++) {
                int at = (head + h) * Keys.MAX_KEYS + i;
                keys.weights[at] = keys.lanes[h];
                keys.weights[at + half] = keys.lanes[HEADS + h];
            }
        }
        return keys.from + KEYS * half;
    }

    /** Column {@code j}, beyond the last whole 16, of both keys. */
    private static void addColumn(Keys keys, int i, int half, float[] q, int qStart, int qStep, int j) {
        for (int d = 0; d < KEYS * HEADS; d++) {
            int at = SUM_LANES * d + j % SUM_LANES;
            float key = keys.pages[keys.starts[i + d / HEADS * half] + j];
            keys.lanes[at] = Math.fma(q[qStart + d % HEADS * qStep], key, keys.lanes[at]);
        }
    }

    /** {@link Lanes#weightedSums} of the heads {@code head} … + 7 for whole tiles of columns; returns the first column that is left. */
    static int weightedSums(Keys keys, int head, float[] out, int outStart, int outStep, int count) {
        int column = 0;
        for (; column + COLUMNS <= count; column += COLUMNS) {
            sums(keys, head * Keys.MAX_KEYS, out, outStart + column, outStep, column);
        }
        return column;
    }

    /** Dots of two keys: {@code keys.lanes[key, head]} = 16 lanes. */
    private static void dots(Keys keys, int i0, int i1, int whole) {
        float[] pages = keys.pages;
        float[] q = keys.queries;
        float[] sums = keys.lanes;
        int k0 = keys.starts[i0];
        int k1 = keys.starts[i1];
        FloatVector zero = FloatVector.zero(F);
        FloatVector a0 = zero, a1 = zero, b0 = zero, b1 = zero;
        FloatVector c0 = zero, c1 = zero, d0 = zero, d1 = zero;
        FloatVector e0 = zero, e1 = zero, f0 = zero, f1 = zero;
        FloatVector g0 = zero, g1 = zero, h0 = zero, h1 = zero;
        for (int j = 0; j < whole; j += SUM_LANES) {
            int p = j * HEADS;
            FloatVector key0 = FloatVector.fromArray(F, pages, k0 + j);
            FloatVector key1 = FloatVector.fromArray(F, pages, k1 + j);
            FloatVector a = FloatVector.fromArray(F, q, p);
            a0 = a.fma(key0, a0);
            a1 = a.fma(key1, a1);
            FloatVector b = FloatVector.fromArray(F, q, p + 16);
            b0 = b.fma(key0, b0);
            b1 = b.fma(key1, b1);
            FloatVector c = FloatVector.fromArray(F, q, p + 32);
            c0 = c.fma(key0, c0);
            c1 = c.fma(key1, c1);
            FloatVector d = FloatVector.fromArray(F, q, p + 48);
            d0 = d.fma(key0, d0);
            d1 = d.fma(key1, d1);
            FloatVector e = FloatVector.fromArray(F, q, p + 64);
            e0 = e.fma(key0, e0);
            e1 = e.fma(key1, e1);
            FloatVector f = FloatVector.fromArray(F, q, p + 80);
            f0 = f.fma(key0, f0);
            f1 = f.fma(key1, f1);
            FloatVector g = FloatVector.fromArray(F, q, p + 96);
            g0 = g.fma(key0, g0);
            g1 = g.fma(key1, g1);
            FloatVector h = FloatVector.fromArray(F, q, p + 112);
            h0 = h.fma(key0, h0);
            h1 = h.fma(key1, h1);
        }
        a0.intoArray(sums, 0);
        b0.intoArray(sums, 16);
        c0.intoArray(sums, 32);
        d0.intoArray(sums, 48);
        e0.intoArray(sums, 64);
        f0.intoArray(sums, 80);
        g0.intoArray(sums, 96);
        h0.intoArray(sums, 112);
        a1.intoArray(sums, 128);
        b1.intoArray(sums, 144);
        c1.intoArray(sums, 160);
        d1.intoArray(sums, 176);
        e1.intoArray(sums, 192);
        f1.intoArray(sums, 208);
        g1.intoArray(sums, 224);
        h1.intoArray(sums, 240);
    }

    /**
     * {@link Lanes#fold} of 16 times 16 lanes: {@code sums[d] = fold(sums[16 d …])}. A level adds lanes that differ in one bit of their
     * number, of two rows that differ in the same bit: where the bit is 0 for the first row, elsewhere for the second.
     */
    private static void fold(float[] sums) {
        FloatVector v0 = FloatVector.fromArray(F, sums, 0);
        FloatVector v8 = FloatVector.fromArray(F, sums, 128);
        FloatVector w0 = v0.blend(v8, BIT8).add(v8.blend(v0, BIT8).rearrange(SWAP8));
        FloatVector v4 = FloatVector.fromArray(F, sums, 64);
        FloatVector v12 = FloatVector.fromArray(F, sums, 192);
        FloatVector w4 = v4.blend(v12, BIT8).add(v12.blend(v4, BIT8).rearrange(SWAP8));
        FloatVector x0 = w0.blend(w4, BIT4).add(w4.blend(w0, BIT4).rearrange(SWAP4));
        FloatVector v2 = FloatVector.fromArray(F, sums, 32);
        FloatVector v10 = FloatVector.fromArray(F, sums, 160);
        FloatVector w2 = v2.blend(v10, BIT8).add(v10.blend(v2, BIT8).rearrange(SWAP8));
        FloatVector v6 = FloatVector.fromArray(F, sums, 96);
        FloatVector v14 = FloatVector.fromArray(F, sums, 224);
        FloatVector w6 = v6.blend(v14, BIT8).add(v14.blend(v6, BIT8).rearrange(SWAP8));
        FloatVector x2 = w2.blend(w6, BIT4).add(w6.blend(w2, BIT4).rearrange(SWAP4));
        FloatVector y0 = x0.blend(x2, BIT2).add(x2.blend(x0, BIT2).rearrange(SWAP2));
        FloatVector v1 = FloatVector.fromArray(F, sums, 16);
        FloatVector v9 = FloatVector.fromArray(F, sums, 144);
        FloatVector w1 = v1.blend(v9, BIT8).add(v9.blend(v1, BIT8).rearrange(SWAP8));
        FloatVector v5 = FloatVector.fromArray(F, sums, 80);
        FloatVector v13 = FloatVector.fromArray(F, sums, 208);
        FloatVector w5 = v5.blend(v13, BIT8).add(v13.blend(v5, BIT8).rearrange(SWAP8));
        FloatVector x1 = w1.blend(w5, BIT4).add(w5.blend(w1, BIT4).rearrange(SWAP4));
        FloatVector v3 = FloatVector.fromArray(F, sums, 48);
        FloatVector v11 = FloatVector.fromArray(F, sums, 176);
        FloatVector w3 = v3.blend(v11, BIT8).add(v11.blend(v3, BIT8).rearrange(SWAP8));
        FloatVector v7 = FloatVector.fromArray(F, sums, 112);
        FloatVector v15 = FloatVector.fromArray(F, sums, 240);
        FloatVector w7 = v7.blend(v15, BIT8).add(v15.blend(v7, BIT8).rearrange(SWAP8));
        FloatVector x3 = w3.blend(w7, BIT4).add(w7.blend(w3, BIT4).rearrange(SWAP4));
        FloatVector y1 = x1.blend(x3, BIT2).add(x3.blend(x1, BIT2).rearrange(SWAP2));
        FloatVector z0 = y0.blend(y1, BIT1).add(y1.blend(y0, BIT1).rearrange(SWAP1));
        z0.intoArray(sums, 0);
    }

    /** Columns {@code column} … + 31 of all heads: a key's are read once. */
    private static void sums(Keys keys, int w, float[] out, int o, int outStep, int column) {
        float[] weights = keys.weights;
        FloatVector zero = FloatVector.zero(F);
        FloatVector a0 = zero, a1 = zero, b0 = zero, b1 = zero;
        FloatVector c0 = zero, c1 = zero, d0 = zero, d1 = zero;
        FloatVector e0 = zero, e1 = zero, f0 = zero, f1 = zero;
        FloatVector g0 = zero, g1 = zero, h0 = zero, h1 = zero;
        for (int i = keys.from; i < keys.to; i++) {
            int p = keys.starts[i] + column;
            FloatVector key0 = FloatVector.fromArray(F, keys.pages, p);
            FloatVector key1 = FloatVector.fromArray(F, keys.pages, p + 16);
            FloatVector a = FloatVector.broadcast(F, weights[w + i]);
            a0 = a.fma(key0, a0);
            a1 = a.fma(key1, a1);
            FloatVector b = FloatVector.broadcast(F, weights[w + i + Keys.MAX_KEYS]);
            b0 = b.fma(key0, b0);
            b1 = b.fma(key1, b1);
            FloatVector c = FloatVector.broadcast(F, weights[w + i + 2 * Keys.MAX_KEYS]);
            c0 = c.fma(key0, c0);
            c1 = c.fma(key1, c1);
            FloatVector d = FloatVector.broadcast(F, weights[w + i + 3 * Keys.MAX_KEYS]);
            d0 = d.fma(key0, d0);
            d1 = d.fma(key1, d1);
            FloatVector e = FloatVector.broadcast(F, weights[w + i + 4 * Keys.MAX_KEYS]);
            e0 = e.fma(key0, e0);
            e1 = e.fma(key1, e1);
            FloatVector f = FloatVector.broadcast(F, weights[w + i + 5 * Keys.MAX_KEYS]);
            f0 = f.fma(key0, f0);
            f1 = f.fma(key1, f1);
            FloatVector g = FloatVector.broadcast(F, weights[w + i + 6 * Keys.MAX_KEYS]);
            g0 = g.fma(key0, g0);
            g1 = g.fma(key1, g1);
            FloatVector h = FloatVector.broadcast(F, weights[w + i + 7 * Keys.MAX_KEYS]);
            h0 = h.fma(key0, h0);
            h1 = h.fma(key1, h1);
        }
        a0.intoArray(out, o);
        a1.intoArray(out, o + 16);
        o += outStep;
        b0.intoArray(out, o);
        b1.intoArray(out, o + 16);
        o += outStep;
        c0.intoArray(out, o);
        c1.intoArray(out, o + 16);
        o += outStep;
        d0.intoArray(out, o);
        d1.intoArray(out, o + 16);
        o += outStep;
        e0.intoArray(out, o);
        e1.intoArray(out, o + 16);
        o += outStep;
        f0.intoArray(out, o);
        f1.intoArray(out, o + 16);
        o += outStep;
        g0.intoArray(out, o);
        g1.intoArray(out, o + 16);
        o += outStep;
        h0.intoArray(out, o);
        h1.intoArray(out, o + 16);
    }
}
