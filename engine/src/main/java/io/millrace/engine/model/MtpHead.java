package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;

/**
 * Multi-token prediction (DeepSeek-V3 §2.2): from the main model's state at a position and the token that follows it to logits for
 * the token after that. One layer with a KV cache of its own; embedding and head are the main model's. Thread: the rank's.
 */
final class MtpHead {
    private final Rank rank;
    private final Ops ops;
    private final Embedding embedding;
    private final DenseWeight head;
    private final MtpWeights weights;
    private final DecoderLayer layer;
    private final float eps;
    private final Tensor embeddingAndHidden;

    /** Makes one for steps of at most {@code t} tokens; embedding and head are the main model's. */
    MtpHead(
            RankShare share,
            Rank rank,
            Embedding embedding,
            DenseWeight head,
            MtpWeights weights,
            RopeTable rope,
            int t) {
        this.rank = rank;
        ops = rank.ops();
        this.embedding = embedding;
        this.head = head;
        this.weights = weights;
        layer = DecoderLayer.of(share, rank, weights.layer(), rope);
        eps = (float) share.config().rmsNormEps();
        embeddingAndHidden = allocateInput(share, rank.device(), t);
    }

    /** Returns room for the layer's input, [T, 2D] f32. */
    static Tensor allocateInput(RankShare share, Device device, int t) {
        return device.allocate(DType.F32, t, 2L * share.config().hiddenSize());
    }

    /**
     * Appends the step's positions to this layer's cache and computes logits.
     *
     * @param step ids are those of the tokens that follow; position and slot are those of the states
     * @param hidden [T, D] f32: the states that went into the head
     * @param rows receives states (after {@code shared_head.norm}) and logits of the rows that the step names
     */
    void forward(Workspace ws, ModelStep step, Tensor hidden, KvLayer kv, HeadRows rows) {
        Tensor both = embeddingAndHidden.firstRows(step.numTokens()); // [T, 2D], the embedding first
        long d = hidden.cols();
        ops.rmsNorm(both.columns(d, d), hidden, weights.hiddenNorm(), eps);
        embedding.forward(ws, step);
        ops.rmsNorm(both.columns(0, d), ws.residual(), weights.embeddingNorm(), eps);
        ops.denseGemm(ws.residual(), both, weights.ehProj()); // [T, D]
        ops.rmsNorm(ws.normed(), ws.residual(), layer.inputNorm(), eps);
        layer.forward(ops, ws, step, kv, eps);
        rows.compute(rank, ws, step, weights.headNorm(), eps, head);
    }
}
