package io.millrace.engine.model;

import io.millrace.kernels.Collective;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;

/**
 * Multi-head latent attention in its absorbed form (DeepSeek-V2 §2.1.2–2.1.3), for prefill and decode alike: q is taken into
 * the latent space, attention mixes cached latents, and what comes out is taken to v. Each rank of a group has some of the heads, all have
 * the whole cache. Thread: the rank's.
 */
final class MlaBlock implements Block {
    /** Of the two norms inside attention: the published model code makes them with this default, whatever {@code rms_norm_eps} is. */
    private static final float LATENT_NORM_EPS = 1e-6f;

    private final Ops ops;
    private final Collective collective;
    private final AttentionWeights weights;
    private final RopeTable rope;
    private final float softmaxScale;
    private final int latentDim;

    MlaBlock(ModelConfig config, Rank rank, AttentionWeights weights, RopeTable rope) {
        ops = rank.ops();
        collective = rank.collective();
        this.weights = weights;
        this.rope = rope;
        softmaxScale = (float) config.yarnRope().softmaxScale(config.qHeadDim());
        latentDim = config.kvLoraRank();
    }

    @Override
    public void forward(Workspace ws, ModelStep step, KvLayer kv) {
        Workspace.Attention a = ws.attention();
        ops.quantize(ws.hidden(), ws.normed()); // [T, D]
        query(ws);
        ops.gemm(a.latent(), ws.hidden(), weights.kvA()); // [T, R + P]
        Tensor normedLatent = a.latent().columns(0, latentDim); // the rope part isn't normed
        ops.rmsNorm(normedLatent, normedLatent, weights.kvANorm(), LATENT_NORM_EPS);
        ops.headGemm(a.absorbedQ(), 0, a.q(), 0, weights.keyUp()); // [T, H, nope] → [T, H, R]
        ops.ropeAppendKv(kv, a.absorbedQ(), a.q(), a.latent(), step.tokens(), rope);
        ops.mlaAttention(a.mixedLatent(), a.absorbedQ(), kv, step.attention(), softmaxScale); // [T, H, R]
        ops.headGemm(a.values(), 0, a.mixedLatent(), 0, weights.valueUp()); // [T, H, v]
        ops.quantize(a.valuesQuantized(), a.values()); // [T, H · v]
        ops.gemm(ws.update(), a.valuesQuantized(), weights.o()); // [T, D] of this rank's heads
        collective.allReduce(ws.update());
    }

    /** Computes q [T, H, nope + P], through its latent where the model has one. */
    private void query(Workspace ws) {
        Workspace.Attention a = ws.attention();
        AttentionWeights.QueryLatent latent = weights.queryLatent();
        if (latent == null) {
            ops.gemm(a.q(), ws.hidden(), weights.q());
            return;
        }
        ops.gemm(a.qLatent(), ws.hidden(), latent.down());
        ops.rmsNorm(a.qLatent(), a.qLatent(), latent.norm(), LATENT_NORM_EPS);
        ops.quantize(a.qLatentQuantized(), a.qLatent());
        ops.gemm(a.q(), a.qLatentQuantized(), weights.q());
    }
}
