package io.millrace.kernels.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two loops of attention over cached keys. Where registers are 512 bits wide, 4 heads × 4 keys (dots) and 4 heads × 64 columns
 * (weighted sums) stay in registers, so that a key is read once for 4 heads; what remains goes head by head. Only methods of the
 * Vector API are called inside the tiles, as in {@link VectorTilesE4m3}.
 */
@SuppressWarnings("MultiVariableDeclaration") // a head's four sums belong together
final class VectorAttention {
    private static final VectorSpecies<Float> F = VectorLanes.F;
    private static final int LANES = F.length();
    private static final int SUM_LANES = Lanes.SUM_LANES;
    private static final int TILE = 4;
    /** Keys that stay in the first-level cache while all heads use them. */
    private static final int BLOCK_KEYS = 16;

    private VectorAttention() {}

    /** {@link Lanes#dots}. */
    static void dots(Keys keys, float[] q, int qStart, int qStep, int count) {
        int h = 0;
        for (; LANES == SUM_LANES && h + VectorEightHeads.HEADS <= keys.heads; h += VectorEightHeads.HEADS) {
            int rest = VectorEightHeads.dots(keys, h, q, qStart + h * qStep, qStep, count);
            for (int head = h; head < h + VectorEightHeads.HEADS; head++) {
                dotsOfHead(keys, head, rest, keys.to, q, qStart + head * qStep, count);
            }
        }
        for (int from = keys.from; h < keys.heads && from < keys.to; from += BLOCK_KEYS) {
            dotsOfBlock(keys, h, from, q, qStart, qStep, count);
        }
    }

    /** The keys from {@code from} on that make a block, and the heads from {@code firstHead} on. */
    private static void dotsOfBlock(Keys keys, int firstHead, int from, float[] q, int qStart, int qStep, int count) {
        int to = Math.min(keys.to, from + BLOCK_KEYS);
        int whole = count - count % SUM_LANES;
        int h = firstHead;
        for (; LANES == SUM_LANES && h + TILE <= keys.heads; h += TILE) {
            int i = from;
            for (; i + TILE <= to; i += TILE) {
                dots4x4(keys, i, q, qStart + h * qStep, qStep, whole);
                for (int d = 0; d < TILE * TILE; d++) {
                    int head = h + d / TILE;
                    finish(keys, head, i + d % TILE, d * SUM_LANES, q, qStart + head * qStep, count);
                }
            }
            for (int head = h; head < h + TILE; head++) {
                dotsOfHead(keys, head, i, to, q, qStart + head * qStep, count);
            }
        }
        for (; h < keys.heads; h++) {
            dotsOfHead(keys, h, from, to, q, qStart + h * qStep, count);
        }
    }

    private static void dots4x4(Keys keys, int i, float[] q, int q0, int qStep, int whole) {
        float[] pages = keys.pages;
        float[] sums = keys.lanes;
        int k0 = keys.starts[i];
        int k1 = keys.starts[i + 1];
        int k2 = keys.starts[i + 2];
        int k3 = keys.starts[i + 3];
        int q1 = q0 + qStep;
        int q2 = q1 + qStep;
        int q3 = q2 + qStep;
        FloatVector zero = FloatVector.zero(F);
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero;
        for (int j = 0; j < whole; j += SUM_LANES) {
            FloatVector key0 = FloatVector.fromArray(F, pages, k0 + j);
            FloatVector key1 = FloatVector.fromArray(F, pages, k1 + j);
            FloatVector key2 = FloatVector.fromArray(F, pages, k2 + j);
            FloatVector key3 = FloatVector.fromArray(F, pages, k3 + j);
            FloatVector a = FloatVector.fromArray(F, q, q0 + j);
            a0 = a.fma(key0, a0);
            a1 = a.fma(key1, a1);
            a2 = a.fma(key2, a2);
            a3 = a.fma(key3, a3);
            FloatVector b = FloatVector.fromArray(F, q, q1 + j);
            b0 = b.fma(key0, b0);
            b1 = b.fma(key1, b1);
            b2 = b.fma(key2, b2);
            b3 = b.fma(key3, b3);
            FloatVector c = FloatVector.fromArray(F, q, q2 + j);
            c0 = c.fma(key0, c0);
            c1 = c.fma(key1, c1);
            c2 = c.fma(key2, c2);
            c3 = c.fma(key3, c3);
            FloatVector d = FloatVector.fromArray(F, q, q3 + j);
            d0 = d.fma(key0, d0);
            d1 = d.fma(key1, d1);
            d2 = d.fma(key2, d2);
            d3 = d.fma(key3, d3);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, 16);
        a2.intoArray(sums, 32);
        a3.intoArray(sums, 48);
        b0.intoArray(sums, 64);
        b1.intoArray(sums, 80);
        b2.intoArray(sums, 96);
        b3.intoArray(sums, 112);
        c0.intoArray(sums, 128);
        c1.intoArray(sums, 144);
        c2.intoArray(sums, 160);
        c3.intoArray(sums, 176);
        d0.intoArray(sums, 192);
        d1.intoArray(sums, 208);
        d2.intoArray(sums, 224);
        d3.intoArray(sums, 240);
    }

    private static void dotsOfHead(Keys keys, int head, int from, int to, float[] q, int qStart, int count) {
        int whole = count - count % SUM_LANES;
        int i = from;
        for (; i + TILE <= to; i += TILE) {
            fourDots(keys, i, q, qStart, whole);
            for (int row = 0; row < TILE; row++) {
                finish(keys, head, i + row, row * SUM_LANES, q, qStart, count);
            }
        }
        for (; i < to; i++) {
            oneDot(keys, i, q, qStart, whole);
            finish(keys, head, i, 0, q, qStart, count);
        }
    }

    private static void fourDots(Keys keys, int i, float[] q, int qStart, int whole) {
        float[] pages = keys.pages;
        int k0 = keys.starts[i];
        int k1 = keys.starts[i + 1];
        int k2 = keys.starts[i + 2];
        int k3 = keys.starts[i + 3];
        for (int lane = 0; lane < SUM_LANES; lane += LANES) {
            FloatVector a = FloatVector.zero(F);
            FloatVector b = FloatVector.zero(F);
            FloatVector c = FloatVector.zero(F);
            FloatVector d = FloatVector.zero(F);
            for (int j = lane; j < whole; j += SUM_LANES) {
                FloatVector x = FloatVector.fromArray(F, q, qStart + j);
                a = x.fma(FloatVector.fromArray(F, pages, k0 + j), a);
                b = x.fma(FloatVector.fromArray(F, pages, k1 + j), b);
                c = x.fma(FloatVector.fromArray(F, pages, k2 + j), c);
                d = x.fma(FloatVector.fromArray(F, pages, k3 + j), d);
            }
            a.intoArray(keys.lanes, lane);
            b.intoArray(keys.lanes, SUM_LANES + lane);
            c.intoArray(keys.lanes, 2 * SUM_LANES + lane);
            d.intoArray(keys.lanes, 3 * SUM_LANES + lane);
        }
    }

    private static void oneDot(Keys keys, int i, float[] q, int qStart, int whole) {
        int key = keys.starts[i];
        for (int lane = 0; lane < SUM_LANES; lane += LANES) {
            FloatVector a = FloatVector.zero(F);
            for (int j = lane; j < whole; j += SUM_LANES) {
                a = FloatVector.fromArray(F, q, qStart + j).fma(FloatVector.fromArray(F, keys.pages, key + j), a);
            }
            a.intoArray(keys.lanes, lane);
        }
    }

    /** Adds the columns beyond the last whole 16 to their lanes, which start at {@code lanes}, and folds. */
    private static void finish(Keys keys, int head, int i, int lanes, float[] q, int qStart, int count) {
        int whole = count - count % SUM_LANES;
        for (int j = whole; j < count; j++) {
            int lane = lanes + j - whole;
            keys.lanes[lane] = Math.fma(q[qStart + j], keys.pages[keys.starts[i] + j], keys.lanes[lane]);
        }
        keys.weights[head * Keys.MAX_KEYS + i] = Lanes.fold(keys.lanes, lanes);
    }

    /** {@link Lanes#weightedSums}. */
    static void weightedSums(Keys keys, float[] out, int outStart, int outStep, int count) {
        int wide = LANES == SUM_LANES ? count - count % (TILE * LANES) : 0;
        int h = 0;
        for (; LANES == SUM_LANES && h + VectorEightHeads.HEADS <= keys.heads; h += VectorEightHeads.HEADS) {
            int rest = VectorEightHeads.weightedSums(keys, h, out, outStart + h * outStep, outStep, count);
            for (int head = h; head < h + VectorEightHeads.HEADS; head++) {
                sumOfHead(keys, head * Keys.MAX_KEYS, out, outStart + head * outStep, rest, count);
            }
        }
        for (; h + TILE <= keys.heads; h += TILE) {
            for (int j = 0; j < wide; j += TILE * LANES) {
                sum4Heads(keys, h * Keys.MAX_KEYS, out, outStart + h * outStep + j, outStep, j);
            }
            for (int head = h; head < h + TILE; head++) {
                sumOfHead(keys, head * Keys.MAX_KEYS, out, outStart + head * outStep, wide, count);
            }
        }
        for (; h < keys.heads; h++) {
            sumOfHead(keys, h * Keys.MAX_KEYS, out, outStart + h * outStep, 0, count);
        }
    }

    private static void sum4Heads(Keys keys, int w0, float[] out, int o0, int outStep, int column) {
        float[] pages = keys.pages;
        float[] weights = keys.weights;
        int w1 = w0 + Keys.MAX_KEYS;
        int w2 = w1 + Keys.MAX_KEYS;
        int w3 = w2 + Keys.MAX_KEYS;
        int o1 = o0 + outStep;
        int o2 = o1 + outStep;
        int o3 = o2 + outStep;
        FloatVector zero = FloatVector.zero(F);
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero;
        for (int i = keys.from; i < keys.to; i++) {
            int p = keys.starts[i] + column;
            FloatVector key0 = FloatVector.fromArray(F, pages, p);
            FloatVector key1 = FloatVector.fromArray(F, pages, p + 16);
            FloatVector key2 = FloatVector.fromArray(F, pages, p + 32);
            FloatVector key3 = FloatVector.fromArray(F, pages, p + 48);
            FloatVector a = FloatVector.broadcast(F, weights[w0 + i]);
            a0 = a.fma(key0, a0);
            a1 = a.fma(key1, a1);
            a2 = a.fma(key2, a2);
            a3 = a.fma(key3, a3);
            FloatVector b = FloatVector.broadcast(F, weights[w1 + i]);
            b0 = b.fma(key0, b0);
            b1 = b.fma(key1, b1);
            b2 = b.fma(key2, b2);
            b3 = b.fma(key3, b3);
            FloatVector c = FloatVector.broadcast(F, weights[w2 + i]);
            c0 = c.fma(key0, c0);
            c1 = c.fma(key1, c1);
            c2 = c.fma(key2, c2);
            c3 = c.fma(key3, c3);
            FloatVector d = FloatVector.broadcast(F, weights[w3 + i]);
            d0 = d.fma(key0, d0);
            d1 = d.fma(key1, d1);
            d2 = d.fma(key2, d2);
            d3 = d.fma(key3, d3);
        }
        a0.intoArray(out, o0);
        a1.intoArray(out, o0 + 16);
        a2.intoArray(out, o0 + 32);
        a3.intoArray(out, o0 + 48);
        b0.intoArray(out, o1);
        b1.intoArray(out, o1 + 16);
        b2.intoArray(out, o1 + 32);
        b3.intoArray(out, o1 + 48);
        c0.intoArray(out, o2);
        c1.intoArray(out, o2 + 16);
        c2.intoArray(out, o2 + 32);
        c3.intoArray(out, o2 + 48);
        d0.intoArray(out, o3);
        d1.intoArray(out, o3 + 16);
        d2.intoArray(out, o3 + 32);
        d3.intoArray(out, o3 + 48);
    }

    /** Columns {@code from} … {@code count} − 1 of one head. */
    private static void sumOfHead(Keys keys, int weightStart, float[] out, int outStart, int from, int count) {
        int step = 4 * LANES;
        int j = from;
        for (; j + step <= count; j += step) {
            sumFourVectors(keys, weightStart, out, outStart + j, j);
        }
        for (; j + LANES <= count; j += LANES) {
            FloatVector a = FloatVector.zero(F);
            for (int i = keys.from; i < keys.to; i++) {
                FloatVector weight = FloatVector.broadcast(F, keys.weights[weightStart + i]);
                a = weight.fma(FloatVector.fromArray(F, keys.pages, keys.starts[i] + j), a);
            }
            a.intoArray(out, outStart + j);
        }
        for (; j < count; j++) {
            float sum = 0;
            for (int i = keys.from; i < keys.to; i++) {
                sum = Math.fma(keys.weights[weightStart + i], keys.pages[keys.starts[i] + j], sum);
            }
            out[outStart + j] = sum;
        }
    }

    private static void sumFourVectors(Keys keys, int weightStart, float[] out, int o, int column) {
        float[] pages = keys.pages;
        FloatVector zero = FloatVector.zero(F);
        FloatVector a = zero, b = zero, c = zero, d = zero;
        for (int i = keys.from; i < keys.to; i++) {
            FloatVector weight = FloatVector.broadcast(F, keys.weights[weightStart + i]);
            int p = keys.starts[i] + column;
            a = weight.fma(FloatVector.fromArray(F, pages, p), a);
            b = weight.fma(FloatVector.fromArray(F, pages, p + LANES), b);
            c = weight.fma(FloatVector.fromArray(F, pages, p + 2 * LANES), c);
            d = weight.fma(FloatVector.fromArray(F, pages, p + 3 * LANES), d);
        }
        a.intoArray(out, o);
        b.intoArray(out, o + LANES);
        c.intoArray(out, o + 2 * LANES);
        d.intoArray(out, o + 3 * LANES);
    }
}
