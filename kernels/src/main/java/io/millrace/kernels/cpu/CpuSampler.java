package io.millrace.kernels.cpu;

import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.TokenPenalties;
import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.numeric.Philox;
import java.util.Arrays;

/**
 * Draws tokens. Rows in parallel; nothing sorts the vocabulary. Thread: the rank's.
 *
 * <p>Order: bias, repetition, frequency and presence penalty · tokens that aren't allowed · greedy rows take their argmax · ÷ temperature · min-p · top-k (ties
 * with the k-th stay) · top-p over the softmax of what is left, cumulated by (logit descending, id ascending), in double · argmax of
 * logit + Gumbel noise, in double. Probabilities are {@link io.millrace.kernels.cpu.simd.ScalarLanes#exp} of logit − largest logit.
 */
final class CpuSampler implements WorkerPool.Work {
    /** Below, a row is greedy. */
    private static final float MIN_TEMPERATURE = 1e-5f;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final Candidates[] scratch;

    private CpuTensor ids = CpuTensor.EMPTY;
    private CpuTensor logits = CpuTensor.EMPTY;
    private SamplingBatch batch = new SamplingBatch(0);

    CpuSampler(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        scratch = new Candidates[pool.numThreads()];
        Arrays.setAll(scratch, i -> new Candidates());
    }

    void stage(SamplingBatch newBatch) {
        batch = newBatch;
    }

    void drawStaged(Tensor idTensor, Tensor logitTensor) {
        ids = Shapes.cpu(idTensor);
        logits = Shapes.cpu(logitTensor);
        int tokens = batch.numTokens;
        Shapes.atLeast("sample: columns of logits", logits.cols(), tokens);
        Shapes.atLeast("sample: numTokens", tokens, 1);
        Shapes.atLeast("sample: rows of logits", logits.rows(), batch.numRows);
        Shapes.atLeast("sample: length of ids", ids.rows(), batch.numRows);
        for (Candidates c : scratch) {
            c.reserve(tokens);
        }
        pool.run(this, batch.numRows, 1);
    }

    @Override
    public void run(int from, int to, int worker) {
        for (int s = from; s < to; s++) {
            ids.i32()[ids.at(s)] = draw(s, scratch[worker]);
        }
    }

    private int draw(int s, Candidates c) {
        int tokens = batch.numTokens;
        c.count = tokens;
        System.arraycopy(logits.f32(), logits.at(s), c.logits, 0, tokens);
        if (isBroken(lanes.max(c.logits, 0, tokens))) {
            return -1;
        }
        TokenPenalties penalties = batch.penalties[s];
        if (penalties != null) {
            penalize(c.logits, tokens, penalties);
        }
        long[] allowed = batch.allowed[s];
        if (allowed != null) {
            forbidOthers(c.logits, tokens, allowed);
        }
        float temperature = batch.temperature[s];
        if (temperature >= MIN_TEMPERATURE && temperature != 1) {
            for (int v = 0; v < tokens; v++) {
                c.logits[v] /= temperature;
            }
        }
        float max = lanes.max(c.logits, 0, tokens);
        if (isBroken(max) || max == Float.NEGATIVE_INFINITY) {
            return -1;
        }
        if (temperature < MIN_TEMPERATURE) {
            return c.first(max);
        }
        lanes.expMinus(c.probs, 0, c.logits, 0, tokens, max);
        c.keepAll();
        c.minP(batch.minP[s]);
        c.topK(batch.topK[s]);
        c.topP(batch.topP[s]);
        return drawKept(s, c, max);
    }

    private static void forbidOthers(float[] logits, int tokens, long[] allowed) {
        for (int from = 0; from < tokens; from += 64) {
            long forbidden = ~allowed[from >> 6];
            if (tokens - from < 64) {
                forbidden &= (1L << (tokens - from)) - 1;
            }
            for (; forbidden != 0; forbidden &= forbidden - 1) {
                logits[from + Long.numberOfTrailingZeros(forbidden)] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    private static boolean isBroken(float max) {
        return Float.isNaN(max) || max == Float.POSITIVE_INFINITY;
    }

    private static void penalize(float[] logits, int tokens, TokenPenalties p) {
        for (int i = 0; i < p.length(); i++) {
            int v = p.tokens()[i];
            if (v >= tokens) {
                continue; // a padding row of the head: never drawn anyway
            }
            float logit = logits[v] + p.bias()[i];
            if (p.isSeen()[i]) {
                logit = logit > 0 ? logit / p.repetition() : logit * p.repetition();
            }
            int count = p.outputCounts()[i];
            if (count > 0) {
                logit = logit - p.frequency() * count - p.presence();
            }
            logits[v] = logit;
        }
    }

    /**
     * The argmax of logit + noise over the kept tokens. Starts with the most likely one; another can only win with
     * {@code −ln u ≤ e^{logit − best}}, and because −ln u ≥ 1 − u, most are ruled out without a logarithm.
     */
    private int drawKept(int s, Candidates c, float max) {
        int bestId = c.first(max);
        long seed = batch.seed[s];
        int position = batch.position[s];
        int sampleIndex = batch.sampleIndex[s];
        Philox.tokenBlock(c.noise, seed, bestId / 4, position, sampleIndex);
        double best = max + Philox.gumbel(c.noise[bestId % 4]);
        double bound = bound(max, best);
        for (int first = 0; first < c.count; first += 4) {
            int end = Math.min(c.count, first + 4);
            if (!c.isAnyKept(first, end)) {
                continue;
            }
            Philox.tokenBlock(c.noise, seed, first / 4, position, sampleIndex);
            for (int v = first; v < end; v++) {
                int bits = c.noise[v - first];
                if (!c.isKept(v) || 1 - Philox.uniform(bits) > c.probs[v] * bound) {
                    continue;
                }
                double value = c.logits[v] + Philox.gumbel(bits);
                if (value > best || (value == best && v < bestId)) {
                    best = value;
                    bestId = v;
                    bound = bound(max, best);
                }
            }
        }
        return bestId;
    }

    /** e^{max − best} and a margin for the error of the f32 probabilities. */
    private static double bound(float max, double best) {
        return StrictMath.exp(max - best) * 1.0001;
    }
}
