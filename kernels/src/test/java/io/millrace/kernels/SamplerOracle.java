package io.millrace.kernels;

import java.util.Arrays;
import java.util.Comparator;

/** Sampling the slow way: sort everything, in double, noise by its own Philox. */
final class SamplerOracle {
    private SamplerOracle() {}

    static int draw(float[] logits, SamplingBatch batch, int s) {
        int tokens = batch.numTokens;
        float temperature = batch.temperature[s];
        float[] x = Arrays.copyOf(logits, tokens);
        for (int v = 0; v < tokens && temperature > 0; v++) {
            x[v] = x[v] / temperature; // f32, as the contract's ties are
        }
        Integer[] order = sorted(x);
        if (temperature == 0) {
            return order[0];
        }
        double max = x[order[0]];
        int kept = 0;
        while (kept < tokens && Math.exp(x[order[kept]] - max) >= batch.minP[s]) {
            kept++;
        }
        int k = batch.topK[s];
        if (k > 0 && k < kept) {
            float last = x[order[k - 1]];
            while (x[order[kept - 1]] < last) {
                kept--;
            }
        }
        if (batch.topP[s] < 1) {
            kept = nucleus(x, order, kept, batch.topP[s]);
        }
        int best = -1;
        double bestValue = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < kept; i++) {
            int v = order[i];
            double value = x[v] + gumbel(batch.seed[s], v, batch.position[s], batch.sampleIndex[s]);
            if (value > bestValue || (value == bestValue && v < best)) {
                best = v;
                bestValue = value;
            }
        }
        return best;
    }

    private static int nucleus(float[] x, Integer[] order, int kept, double p) {
        double mass = 0;
        for (int i = 0; i < kept; i++) {
            mass += Math.exp(x[order[i]] - x[order[0]]);
        }
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            sum += Math.exp(x[order[i]] - x[order[0]]);
            if (sum >= p * mass) {
                return i + 1;
            }
        }
        return kept;
    }

    static int[] top(float[] x, int k) {
        return Arrays.stream(sorted(x)).limit(k).mapToInt(v -> v).toArray();
    }

    static double logprob(float[] x, int id) {
        double sum = 0;
        for (float v : x) {
            sum += Math.exp(v);
        }
        return x[id] - Math.log(sum);
    }

    private static Integer[] sorted(float[] x) {
        Integer[] order = new Integer[x.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.<Integer>comparingDouble(v -> -x[v]).thenComparing(v -> v));
        return order;
    }

    private static double gumbel(long seed, int token, int position, int sampleIndex) {
        long[] c = {token / 4, position, sampleIndex, 1};
        long k0 = seed & 0xFFFFFFFFL;
        long k1 = seed >>> 32;
        for (int round = 0; round < 10; round++) {
            long p0 = 0xD2511F53L * c[0];
            long p1 = 0xCD9E8D57L * c[2];
            c = new long[] {(p1 >>> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFFL, (p0 >>> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFFL};
            k0 = (k0 + 0x9E3779B9L) & 0xFFFFFFFFL;
            k1 = (k1 + 0xBB67AE85L) & 0xFFFFFFFFL;
        }
        return -Math.log(-Math.log((c[token % 4] + 0.5) / 4294967296.0));
    }
}
