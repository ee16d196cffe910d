package io.millrace.engine.model;

import io.millrace.kernels.Collective;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RouterSpec;

/**
 * Mixture of experts (DeepSeek-V3 §2.1.2): the router's K experts per token, weighted, plus the shared ones. A rank multiplies by its
 * own experts only. Where groups have rows of their own, rows travel to the ranks of their experts and back; where all ranks have the
 * same rows, each adds up its experts' share, and the shares are summed. Thread: the rank's.
 */
final class MoeBlock implements Block {
    private final Ops ops;
    private final Collective collective;
    private final MoeWeights weights;
    private final RouterSpec spec;
    private final DenseMlp shared;
    private final int firstExpert;
    private final boolean isExchanging;

    MoeBlock(RankShare share, Rank rank, MoeWeights weights) {
        ops = rank.ops();
        collective = rank.collective();
        this.weights = weights;
        spec = share.config().routerSpec();
        shared = new DenseMlp(rank, weights.shared());
        firstExpert = share.experts().first();
        isExchanging = share.isExchanging();
    }

    @Override
    public void forward(Workspace ws, ModelStep step, KvLayer kv) {
        Workspace.Moe m = ws.moe();
        ops.denseGemm(m.logits(), ws.normed(), weights.router()); // [T, E]
        ops.route(m.chosen(), m.logits(), weights.routerBias(), spec);
        ops.quantize(ws.hidden(), ws.normed()); // [T, D]
        if (isExchanging) {
            collective.dispatch(m.x(), m.arrived(), ws.hidden(), m.chosen().expertIds(), step.groups());
        }
        routedExperts(m);
        shared.forward(m.sharedOut(), ws.hidden(), ws.shared());
        if (isExchanging) {
            collective.allReduce(m.sharedOut());
            collective.collect(
                    ws.update(), m.expertOut(), m.arrived(), m.chosen(), m.sharedOut(), step.groups()); // [T, D]
        } else {
            ops.combine(ws.update(), m.expertOut(), m.chosen(), m.sharedOut()); // [T, D]
            collective.allReduce(ws.update());
        }
    }

    /** Computes {@code m.expertOut} for the rows of {@code m.x} that chose this rank's experts. */
    private void routedExperts(Workspace.Moe m) {
        ops.listPairs(m.arrived(), firstExpert);
        ops.groupedGemm(m.experts().gateUp(), m.x(), weights.experts().gateUp(), m.arrived(), true); // [pairs, 2F]
        ops.siluMulQuantize(m.experts().activated(), m.experts().gateUp()); // [pairs, F]
        ops.groupedGemm(
                m.expertOut(), m.experts().activated(), weights.experts().down(), m.arrived(), false);
    }
}
