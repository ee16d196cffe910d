package io.millrace.kernels.cuda;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Ops;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.Routing;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/**
 * {@link Ops} on a GPU: a call queues its kernels and returns. Values that only the device knows (token ids, slots) are checked by the
 * kernels; a wrong one fails the next {@code read}. Thread: the rank's.
 */
final class CudaOps implements Ops {
    private final CudaRows rows;
    private final CudaProducts products;
    private final CudaRope rope;
    private final CudaMlaAttention attention;
    private final CudaRouter router;
    private final CudaSampler sampler;

    CudaOps(CudaDevice device) {
        rows = new CudaRows(device.image(), device.faultAddress());
        products = new CudaProducts(device);
        attention = new CudaMlaAttention(device);
        rope = new CudaRope(device.image(), device.faultAddress());
        router = new CudaRouter(device.image(), device.faultAddress());
        sampler = new CudaSampler(device);
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, int firstId, long vocabulary) {
        rows.embed(out, table, ids, firstId, vocabulary);
    }

    @Override
    public void rmsNorm(Tensor out, Tensor x, Tensor weight, float eps) {
        rows.rmsNorm(out, x, weight, eps);
    }

    @Override
    public void addRmsNorm(Tensor out, Tensor residual, Tensor x, Tensor weight, float eps) {
        rows.addRmsNorm(out, residual, x, weight, eps);
    }

    @Override
    public void quantize(Fp8Activations out, Tensor x) {
        rows.quantize(out, x);
    }

    @Override
    public void gemm(Tensor out, Fp8Activations x, LinearWeight w) {
        products.gemm(out, x, w);
    }

    @Override
    public void denseGemm(Tensor out, Tensor x, DenseWeight w) {
        products.denseGemm(out, x, w);
    }

    @Override
    public void headGemm(Tensor out, int outStart, Tensor x, int xStart, DenseWeight w) {
        products.headGemm(out, outStart, x, xStart, w);
    }

    @Override
    public void ropeAppendKv(KvLayer kv, Tensor absorbedQ, Tensor q, Tensor latent, StepTensors step, RopeTable table) {
        rope.ropeAppendKv(kv, absorbedQ, q, latent, step, table);
    }

    @Override
    public void mlaAttention(Tensor out, Tensor q, KvLayer kv, AttentionBatch batch, float softmaxScale) {
        attention.mlaAttention(out, q, kv, batch, softmaxScale);
    }

    @Override
    public void route(Routing out, Tensor logits, Tensor bias, RouterSpec spec) {
        router.route(out, logits, bias, spec);
    }

    @Override
    public void listPairs(Routing routing, int firstExpert) {
        router.listPairs(routing, firstExpert);
    }

    @Override
    public void groupedGemm(Tensor out, Fp8Activations x, LinearWeight experts, Routing routing, boolean gather) {
        products.groupedGemm(out, x, experts, routing, gather);
    }

    @Override
    public void siluMulQuantize(Fp8Activations out, Tensor gateUp) {
        rows.siluMulQuantize(out, gateUp);
    }

    @Override
    public void combine(Tensor out, Tensor expertOut, Routing routing, Tensor shared) {
        router.combine(out, expertOut, routing, shared);
    }

    @Override
    public void gatherRows(Tensor out, Tensor x, Tensor indices) {
        rows.gatherRows(out, x, indices);
    }

    @Override
    public void stageDraws(SamplingBatch batch) {
        sampler.stage(batch);
    }

    @Override
    public void drawStaged(Tensor ids, Tensor logits) {
        sampler.drawStaged(ids, logits);
    }

    @Override
    public void topLogprobs(Tensor ids, Tensor logprobs, Tensor logits, Tensor sampled, int numTokens) {
        sampler.topLogprobs(ids, logprobs, logits, sampled, numTokens);
    }

    @Override
    public void copyPages(KvLayer kv, Tensor pairs) {
        rows.copyPages(kv, pairs);
    }
}
