package io.millrace.engine.model;

import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;

/**
 * One layer: attention, then an MLP or experts. Thread: the rank's.
 *
 * @param inputNorm [D] f32, before attention
 * @param postAttentionNorm [D] f32, before the feed-forward part
 */
record DecoderLayer(Tensor inputNorm, MlaBlock attention, Tensor postAttentionNorm, Block feedForward) {

    static DecoderLayer of(RankShare share, Rank rank, LayerWeights w, RopeTable rope) {
        Block feedForward = w.feedForward() instanceof MoeWeights moe
                ? new MoeBlock(share, rank, moe)
                : new DenseMlp(rank, (MlpWeights) w.feedForward());
        return new DecoderLayer(
                w.inputNorm(),
                new MlaBlock(share.config(), rank, w.attention(), rope),
                w.postAttentionNorm(),
                feedForward);
    }

    /** From {@code ws.normed} (by {@link #inputNorm}) and {@code ws.residual} to {@code ws.update}, which isn't added yet. */
    void forward(Ops ops, Workspace ws, ModelStep step, KvLayer kv, float eps) {
        attention.forward(ws, step, kv);
        ops.addRmsNorm(ws.normed(), ws.residual(), ws.update(), postAttentionNorm, eps);
        feedForward.forward(ws, step, kv);
    }
}
