package io.millrace.kernels.cpu;

import io.millrace.kernels.KvLayer;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/** Rotates the rope parts of query and key and appends the step's tokens to the cache. Rows in parallel. Thread: the rank's. */
final class CpuRope implements WorkerPool.Work {
    private static final int MIN_THREAD_ELEMENTS = 1 << 13;

    private final WorkerPool pool;
    private CpuTensor pages = CpuTensor.EMPTY;
    private CpuTensor absorbedQ = CpuTensor.EMPTY;
    private CpuTensor q = CpuTensor.EMPTY;
    private CpuTensor latent = CpuTensor.EMPTY;
    private CpuTensor positions = CpuTensor.EMPTY;
    private CpuTensor slots = CpuTensor.EMPTY;
    private CpuTensor cos = CpuTensor.EMPTY;
    private CpuTensor sin = CpuTensor.EMPTY;
    private int latentDim;
    private int ropeDim;
    private int numHeads;

    CpuRope(WorkerPool pool) {
        this.pool = pool;
    }

    void ropeAppendKv(KvLayer kv, Tensor outQ, Tensor inQ, Tensor latentTensor, StepTensors step, RopeTable rope) {
        pages = Shapes.cpu(kv.pages());
        absorbedQ = Shapes.cpu(outQ);
        q = Shapes.cpu(inQ);
        latent = Shapes.cpu(latentTensor);
        positions = Shapes.cpu(step.positions());
        slots = Shapes.cpu(step.slots());
        cos = Shapes.cpu(rope.cos());
        sin = Shapes.cpu(rope.sin());
        latentDim = kv.latentDim();
        ropeDim = kv.ropeDim();
        int width = latentDim + ropeDim;
        Shapes.equal("ropeAppendKv: columns of the pages", pages.cols(), width);
        Shapes.equal("ropeAppendKv: columns of latent", latent.cols(), width);
        Shapes.multiple("ropeAppendKv: columns of absorbedQ", absorbedQ.cols(), width);
        numHeads = absorbedQ.numCols() / width;
        Shapes.multiple("ropeAppendKv: columns of q", q.cols(), numHeads);
        Shapes.atLeast("ropeAppendKv: columns of a head of q", q.cols() / numHeads, ropeDim);
        Shapes.equal("ropeAppendKv: columns of the table", cos.cols(), ropeDim / 2);
        Shapes.equal("ropeAppendKv: rows of absorbedQ", absorbedQ.rows(), latent.rows());
        Shapes.equal("ropeAppendKv: rows of q", q.rows(), latent.rows());
        Shapes.atLeast("ropeAppendKv: length of positions", positions.rows(), latent.rows());
        Shapes.atLeast("ropeAppendKv: length of slots", slots.rows(), latent.rows());
        pool.run(this, latent.numRows(), MIN_THREAD_ELEMENTS / Math.max(1, numHeads * ropeDim));
    }

    @Override
    public void run(int from, int to, int worker) {
        int headColumns = q.numCols() / numHeads;
        for (int t = from; t < to; t++) {
            int position = positions.i32()[positions.at(t)];
            int slot = slots.i32()[slots.at(t)];
            Shapes.inRange("ropeAppendKv: position of row", t, position, cos.rows());
            Shapes.inRange("ropeAppendKv: slot of row", t, slot, pages.rows());
            for (int h = 0; h < numHeads; h++) {
                int source = q.at(t) + (h + 1) * headColumns - ropeDim;
                int target = absorbedQ.at(t) + h * (latentDim + ropeDim) + latentDim;
                rotate(absorbedQ.f32(), target, q.f32(), source, position);
            }
            System.arraycopy(latent.f32(), latent.at(t), pages.f32(), pages.at(slot), latentDim);
            rotate(pages.f32(), pages.at(slot) + latentDim, latent.f32(), latent.at(t) + latentDim, position);
        }
    }

    /** Interleaved pairs: (x₀ + j x₁) · e^{jφ}; two products and one sum each, no fma. */
    private void rotate(float[] out, int o, float[] x, int p, int position) {
        float[] c = cos.f32();
        float[] s = sin.f32();
        int cosRow = cos.at(position);
        int sinRow = sin.at(position);
        for (int i = 0; i < ropeDim / 2; i++) {
            float x0 = x[p + 2 * i];
            float x1 = x[p + 2 * i + 1];
            out[o + 2 * i] = x0 * c[cosRow + i] - x1 * s[sinRow + i];
            out[o + 2 * i + 1] = x0 * s[sinRow + i] + x1 * c[cosRow + i];
        }
    }
}
