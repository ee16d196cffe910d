package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;

/**
 * The activations of a step, allocated once and shared by all layers; a step works on views of its T tokens. D hidden, H heads,
 * R latent, P rope, E experts, K per token, F width of an MLP.
 *
 * @param residual [T, D] f32
 * @param normed [T, D] f32, input of a block
 * @param update [T, D] f32, output of a block
 * @param hidden [T, D], {@code normed} as linear layers want it: quantised or in bf16
 * @param attention of {@link MlaBlock}
 * @param dense [T, dense F], of {@link DenseMlp} in a dense layer
 * @param shared [T, shared F], of {@link DenseMlp} in an MoE layer
 * @param moe of {@link MoeBlock}
 */
record Workspace(
        Tensor residual,
        Tensor normed,
        Tensor update,
        Fp8Activations hidden,
        Attention attention,
        Mlp dense,
        Mlp shared,
        Moe moe) {

    /**
     * Activations of attention.
     *
     * @param qLatent [T, q latent] f32 (one column if the model has none)
     * @param qLatentQuantized the same, quantised
     * @param q [T, H, nope + P] f32
     * @param latent [T, R + P] f32
     * @param absorbedQ [T, H, R + P] f32
     * @param mixedLatent [T, H, R] f32, attention's output
     * @param values [T, H, v] f32
     * @param valuesQuantized [T, H · v]
     */
    record Attention(
            Tensor qLatent,
            Fp8Activations qLatentQuantized,
            Tensor q,
            Tensor latent,
            Tensor absorbedQ,
            Tensor mixedLatent,
            Tensor values,
            Fp8Activations valuesQuantized) {

        private Attention firstRows(long t) {
            return new Attention(
                    qLatent.firstRows(t),
                    qLatentQuantized.firstRows(t),
                    q.firstRows(t),
                    latent.firstRows(t),
                    absorbedQ.firstRows(t),
                    mixedLatent.firstRows(t),
                    values.firstRows(t),
                    valuesQuantized.firstRows(t));
        }
    }

    /**
     * Activations of a gated MLP.
     *
     * @param gateUp [rows, 2F] f32
     * @param activated [rows, F]
     */
    record Mlp(Tensor gateUp, Fp8Activations activated) {
        private Mlp firstRows(long rows) {
            return new Mlp(gateUp.firstRows(rows), activated.firstRows(rows));
        }
    }

    /**
     * Activations of the routed experts.
     *
     * @param logits [T, E] f32
     * @param routing the choice
     * @param experts [T · K, expert F] in expert order
     * @param expertOut [T · K, D] f32 in expert order
     * @param sharedOut [T, D] f32
     */
    record Moe(Tensor logits, Routing routing, Mlp experts, Tensor expertOut, Tensor sharedOut) {
        private Moe firstRows(long t) {
            long pairs = t * routing.expertIds().cols();
            return new Moe(
                    logits.firstRows(t),
                    new Routing(
                            routing.expertIds().firstRows(t),
                            routing.weights().firstRows(t),
                            routing.offsets(),
                            routing.pairTokens().firstRows(pairs),
                            routing.pairRows().firstRows(t)),
                    experts.firstRows(pairs),
                    expertOut.firstRows(pairs),
                    sharedOut.firstRows(t));
        }
    }

    /** Allocates for steps of at most {@code t} tokens. */
    static Workspace allocate(ModelConfig c, Device device, int t) {
        return new Workspace(
                device.allocate(DType.F32, t, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()),
                device.allocateActivations(t, c.hiddenSize(), c.linearFormat()),
                attention(c, device, t),
                mlp(c, device, t, c.intermediateSize()),
                mlp(c, device, t, c.sharedIntermediateSize()),
                moe(c, device, t));
    }

    private static Attention attention(ModelConfig c, Device device, int t) {
        int heads = c.numAttentionHeads();
        int qLatent = Math.max(1, c.qLoraRank());
        return new Attention(
                device.allocate(DType.F32, t, qLatent),
                device.allocateActivations(t, qLatent, c.linearFormat()),
                device.allocate(DType.F32, t, heads, c.qHeadDim()),
                device.allocate(DType.F32, t, c.kvDim()),
                device.allocate(DType.F32, t, heads, c.kvDim()),
                device.allocate(DType.F32, t, heads, c.kvLoraRank()),
                device.allocate(DType.F32, t, heads, c.vHeadDim()),
                device.allocateActivations(t, (long) heads * c.vHeadDim(), c.linearFormat()));
    }

    private static Mlp mlp(ModelConfig c, Device device, long rows, int width) {
        return new Mlp(
                device.allocate(DType.F32, rows, 2L * width),
                device.allocateActivations(rows, width, c.linearFormat()));
    }

    private static Moe moe(ModelConfig c, Device device, int t) {
        int perToken = c.numExpertsPerTok();
        long pairs = (long) t * perToken;
        return new Moe(
                device.allocate(DType.F32, t, c.nRoutedExperts()),
                new Routing(
                        device.allocate(DType.I32, t, perToken),
                        device.allocate(DType.F32, t, perToken),
                        device.allocate(DType.I32, c.nRoutedExperts() + 1L),
                        device.allocate(DType.I32, pairs),
                        device.allocate(DType.I32, t, perToken)),
                mlp(c, device, pairs, c.moeIntermediateSize()),
                device.allocate(DType.F32, pairs, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()));
    }

    /** Returns views of the first {@code t} tokens' rows. */
    Workspace firstRows(long t) {
        return new Workspace(
                residual.firstRows(t),
                normed.firstRows(t),
                update.firstRows(t),
                hidden.firstRows(t),
                attention.firstRows(t),
                dense.firstRows(t),
                shared.firstRows(t),
                moe.firstRows(t));
    }
}
