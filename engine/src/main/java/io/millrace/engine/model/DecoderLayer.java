package io.millrace.engine.model;

import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;

/**
 * One layer: attention, then an MLP or experts. Thread: the rank's.
 *
 * @param inputNorm [D] f32, before attention
 * @param postAttentionNorm [D] f32, before the feed-forward part
 */
record DecoderLayer(Tensor inputNorm, MlaBlock attention, Tensor postAttentionNorm, Block feedForward) {

    static DecoderLayer of(ModelConfig config, Ops ops, LayerWeights w, RopeTable rope) {
        Block feedForward = w.feedForward() instanceof MoeWeights moe
                ? new MoeBlock(config, ops, moe)
                : new DenseMlp(ops, (MlpWeights) w.feedForward());
        return new DecoderLayer(
                w.inputNorm(), new MlaBlock(config, ops, w.attention(), rope), w.postAttentionNorm(), feedForward);
    }

    /** From {@code ws.normed} (by {@link #inputNorm}) and {@code ws.residual} to {@code ws.update}, which isn't added yet. */
    void forward(Ops ops, Workspace ws, ModelStep step, KvLayer kv, float eps) {
        attention.forward(ws, step, kv);
        ops.addRmsNorm(ws.normed(), ws.residual(), ws.update(), postAttentionNorm, eps);
        feedForward.forward(ws, step, kv);
    }
}
