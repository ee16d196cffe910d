package io.millrace.kernels.cpu;

import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.Lanes;
import java.util.Arrays;

/** Log-softmax of raw logits for the sampled token and the most likely ones. Rows in parallel. Thread: the rank's. */
final class CpuLogprobs implements WorkerPool.Work {
    private final Lanes lanes;
    private final WorkerPool pool;
    private final float[][] probs;

    private CpuTensor ids = CpuTensor.EMPTY;
    private CpuTensor logprobs = CpuTensor.EMPTY;
    private CpuTensor logits = CpuTensor.EMPTY;
    private CpuTensor sampled = CpuTensor.EMPTY;
    private int numTokens;

    CpuLogprobs(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        probs = new float[pool.numThreads()][0];
    }

    void topLogprobs(
            Tensor idTensor, Tensor logprobTensor, Tensor logitTensor, Tensor sampledTensor, int newNumTokens) {
        ids = Shapes.cpu(idTensor);
        logprobs = Shapes.cpu(logprobTensor);
        logits = Shapes.cpu(logitTensor);
        sampled = Shapes.cpu(sampledTensor);
        numTokens = newNumTokens;
        Shapes.atLeast("topLogprobs: columns of logits", logits.cols(), numTokens);
        Shapes.atLeast("topLogprobs: numTokens", numTokens, Math.max(1, ids.cols() - 1));
        Shapes.equal("topLogprobs: columns of logprobs", logprobs.cols(), ids.cols());
        Shapes.atLeast("topLogprobs: columns of ids", ids.cols(), 1);
        Shapes.atLeast("topLogprobs: rows of logits", logits.rows(), ids.rows());
        Shapes.atLeast("topLogprobs: rows of logprobs", logprobs.rows(), ids.rows());
        Shapes.atLeast("topLogprobs: length of sampled", sampled.rows(), ids.rows());
        for (int i = 0; i < probs.length; i++) {
            if (probs[i].length < numTokens) {
                probs[i] = new float[numTokens];
            }
        }
        pool.run(this, ids.numRows(), 1);
    }

    @Override
    public void run(int from, int to, int worker) {
        for (int s = from; s < to; s++) {
            int id = sampled.i32()[sampled.at(s)];
            if (id >= 0) {
                Shapes.inRange("topLogprobs: sampled id of row", s, id, numTokens);
                row(s, id, probs[worker]);
            }
        }
    }

    private void row(int s, int id, float[] p) {
        float[] x = logits.f32();
        int at = logits.at(s);
        float max = lanes.max(x, at, numTokens);
        lanes.expMinus(p, 0, x, at, numTokens, max);
        double sum = 0;
        for (int v = 0; v < numTokens; v++) {
            sum += p[v];
        }
        double logSum = max + StrictMath.log(sum);
        int[] outIds = ids.i32();
        float[] out = logprobs.f32();
        int idsAt = ids.at(s);
        int outAt = logprobs.at(s);
        int k = ids.numCols() - 1;
        outIds[idsAt] = id;
        if (k > 0) {
            selectTop(outIds, idsAt + 1, k, x, at);
        }
        for (int i = 0; i <= k; i++) {
            out[outAt + i] = (float) (x[at + outIds[idsAt + i]] - logSum);
        }
    }

    /** Keeps the k largest seen so far in order; a token moves ahead of strictly smaller ones only, so lower ids stay first. */
    private void selectTop(int[] top, int from, int k, float[] x, int at) {
        Arrays.fill(top, from, from + k, -1);
        for (int v = 0; v < numTokens; v++) {
            int i = from + k - 1;
            if (top[i] >= 0 && x[at + v] <= x[at + top[i]]) {
                continue;
            }
            while (i > from && (top[i - 1] < 0 || x[at + v] > x[at + top[i - 1]])) {
                top[i] = top[i - 1];
                i--;
            }
            top[i] = v;
        }
    }
}
