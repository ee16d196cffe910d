package io.millrace.kernels.cpu;

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
import io.millrace.kernels.cpu.simd.Lanes;

/** {@link Ops} on the host's cores: a call returns when its work is done. Thread: the rank's. */
final class CpuOps implements Ops {
    private final CpuRows rows;
    private final CpuGemm gemm;
    private final CpuRope rope;
    private final CpuMlaAttention attention;
    private final CpuRouter router;
    private final CpuExperts experts;
    private final CpuSampler sampler;
    private final CpuLogprobs logprobs;

    CpuOps(Lanes lanes, WorkerPool pool) {
        PanelProducts products = new PanelProducts(lanes, pool);
        rows = new CpuRows(lanes, pool);
        gemm = new CpuGemm(products);
        rope = new CpuRope(pool);
        attention = new CpuMlaAttention(lanes, pool);
        router = new CpuRouter(lanes, pool);
        experts = new CpuExperts(products, pool);
        sampler = new CpuSampler(lanes, pool);
        logprobs = new CpuLogprobs(lanes, pool);
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
        gemm.gemm(out, x, w);
    }

    @Override
    public void denseGemm(Tensor out, Tensor x, DenseWeight w) {
        gemm.denseGemm(out, x, w);
    }

    @Override
    public void headGemm(Tensor out, int outStart, Tensor x, int xStart, DenseWeight w) {
        gemm.headGemm(out, outStart, x, xStart, w);
    }

    @Override
    public void ropeAppendKv(KvLayer kv, Tensor absorbedQ, Tensor q, Tensor latent, StepTensors step, RopeTable table) {
        rope.ropeAppendKv(kv, absorbedQ, q, latent, step, table);
    }

    @Override
    public void mlaAttention(Tensor out, Tensor q, KvLayer kv, AttentionBatch batch, float softmaxScale) {
        attention.attend(out, q, kv, batch, softmaxScale);
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
    public void groupedGemm(Tensor out, Fp8Activations x, LinearWeight w, Routing routing, boolean gather) {
        experts.groupedGemm(out, x, w, routing, gather);
    }

    @Override
    public void siluMulQuantize(Fp8Activations out, Tensor gateUp) {
        rows.siluMulQuantize(out, gateUp);
    }

    @Override
    public void combine(Tensor out, Tensor expertOut, Routing routing, Tensor shared) {
        experts.combine(out, expertOut, routing, shared);
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
    public void topLogprobs(Tensor ids, Tensor out, Tensor logits, Tensor sampled, int numTokens) {
        logprobs.topLogprobs(ids, out, logits, sampled, numTokens);
    }

    @Override
    public void copyPages(KvLayer kv, Tensor pairs) {
        rows.copyPages(kv, pairs);
    }
}
