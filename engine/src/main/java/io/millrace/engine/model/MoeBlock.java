package io.millrace.engine.model;

import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.RouterSpec;

/** Mixture of experts (DeepSeek-V3 §2.1.2): the router's K experts per token, weighted, plus the shared ones. Thread: the rank's. */
final class MoeBlock implements Block {
    private final Ops ops;
    private final MoeWeights weights;
    private final RouterSpec spec;
    private final DenseMlp shared;

    MoeBlock(ModelConfig config, Ops ops, MoeWeights weights) {
        this.ops = ops;
        this.weights = weights;
        spec = config.routerSpec();
        shared = new DenseMlp(ops, weights.shared());
    }

    @Override
    public void forward(Workspace ws, ModelStep step, KvLayer kv) {
        Workspace.Moe m = ws.moe();
        ops.denseGemm(m.logits(), ws.normed(), weights.router()); // [T, E]
        ops.route(m.routing(), m.logits(), weights.routerBias(), spec);
        ops.quantize(ws.hidden(), ws.normed()); // [T, D]
        ops.groupedGemm(
                m.experts().gateUp(), ws.hidden(), weights.experts().gateUp(), m.routing(), true); // [T · K, 2F]
        ops.siluMulQuantize(m.experts().activated(), m.experts().gateUp()); // [T · K, F]
        ops.groupedGemm(
                m.expertOut(), m.experts().activated(), weights.experts().down(), m.routing(), false);
        shared.forward(m.sharedOut(), ws.hidden(), ws.shared());
        ops.combine(ws.update(), m.expertOut(), m.routing(), m.sharedOut()); // [T, D]
    }
}
