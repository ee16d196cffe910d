package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/** Rotates the rope parts of query and key and appends the step's tokens to the cache (bf16 or f32 pages). Thread: the rank's. */
final class CudaRope {
    private static final int THREADS = 256;

    private final long fault;
    private final LaunchBlock kernel;

    CudaRope(CudaImage image, long faultAddress) {
        fault = faultAddress;
        kernel = image.kernel("rope_append_kv");
    }

    void ropeAppendKv(KvLayer kv, Tensor outQ, Tensor inQ, Tensor latentTensor, StepTensors step, RopeTable rope) {
        CudaTensor pages = Operands.floating(kv.pages());
        CudaTensor absorbedQ = Operands.f32(outQ);
        CudaTensor q = Operands.f32(inQ);
        CudaTensor latent = Operands.f32(latentTensor);
        CudaTensor positions = Operands.i32(step.positions());
        CudaTensor slots = Operands.i32(step.slots());
        CudaTensor cos = Operands.f32(rope.cos());
        CudaTensor sin = Operands.f32(rope.sin());
        int width = kv.latentDim() + kv.ropeDim();
        Operands.equal("ropeAppendKv: columns of the pages", pages.cols(), width);
        Operands.equal("ropeAppendKv: columns of latent", latent.cols(), width);
        Operands.multiple("ropeAppendKv: columns of absorbedQ", absorbedQ.cols(), width);
        long heads = absorbedQ.cols() / width;
        Operands.multiple("ropeAppendKv: columns of q", q.cols(), heads);
        Operands.atLeast("ropeAppendKv: columns of a head of q", q.cols() / heads, kv.ropeDim());
        Operands.equal("ropeAppendKv: columns of the table", cos.cols(), kv.ropeDim() / 2);
        Operands.equal("ropeAppendKv: columns of the sines", sin.cols(), cos.cols());
        Operands.atLeast("ropeAppendKv: rows of the sines", sin.rows(), cos.rows());
        Operands.equal("ropeAppendKv: rows of absorbedQ", absorbedQ.rows(), latent.rows());
        Operands.equal("ropeAppendKv: rows of q", q.rows(), latent.rows());
        Operands.atLeast("ropeAppendKv: length of positions", positions.rows(), latent.rows());
        Operands.atLeast("ropeAppendKv: length of slots", slots.rows(), latent.rows());
        kernel.begin()
                .rows(pages)
                .rows(absorbedQ)
                .rows(q)
                .rows(latent)
                .rows(positions)
                .rows(slots);
        kernel.rows(cos).rows(sin).i64(fault).i32(heads).i32(q.cols() / heads);
        kernel.i32(kv.latentDim()).i32(kv.ropeDim()).i32(cos.rows()).i32(pages.rows());
        kernel.flag(pages.dtype() == DType.BF16).i32(0);
        kernel.launch(latent.rows(), 1, THREADS);
    }
}
