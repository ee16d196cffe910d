package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;

/**
 * The activations of a step, allocated once and shared by all layers; a step works on views of its T tokens. D hidden, H heads of the rank,
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
 * @param share the rank's, by which all this is sized
 */
record Workspace(
        Tensor residual,
        Tensor normed,
        Tensor update,
        Fp8Activations hidden,
        Attention attention,
        Mlp dense,
        Mlp shared,
        Moe moe,
        RankShare share) {

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
     * Activations of the routed experts. Where no rows come from other groups, {@code x} is {@code hidden} and {@code arrived} is
     * {@code chosen}.
     *
     * @param logits [T, E] f32
     * @param chosen the router's choice for this group's rows
     * @param x [ΣT, D], rows of all groups
     * @param arrived ids of all groups' rows, with the pairs of this rank's experts
     * @param experts [pairs, expert F] in expert order
     * @param expertOut [pairs, D] f32 in expert order
     * @param sharedOut [T, D] f32
     */
    record Moe(
            Tensor logits,
            Routing chosen,
            Fp8Activations x,
            Routing arrived,
            Mlp experts,
            Tensor expertOut,
            Tensor sharedOut) {

        private Moe firstRows(long t, long ofAll, long pairs) {
            return new Moe(
                    logits.firstRows(t),
                    rows(chosen, t, chosen.pairTokens().rows()),
                    x.firstRows(ofAll),
                    rows(arrived, ofAll, pairs),
                    experts.firstRows(pairs),
                    expertOut.firstRows(pairs),
                    sharedOut.firstRows(t));
        }

        private static Routing rows(Routing r, long t, long pairs) {
            return new Routing(
                    r.expertIds().firstRows(t),
                    r.weights().firstRows(t),
                    r.offsets(),
                    r.pairTokens().firstRows(pairs),
                    r.pairRows().firstRows(t));
        }
    }

    /** Allocates a rank's for steps of at most {@code t} tokens of each group. */
    static Workspace allocate(RankShare share, Device device, int t) {
        ModelConfig c = share.config();
        Fp8Activations hidden = device.allocateActivations(t, c.hiddenSize(), c.linearFormat());
        return new Workspace(
                device.allocate(DType.F32, t, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()),
                hidden,
                attention(share, device, t),
                mlp(c, device, t, share.denseColumns()),
                mlp(c, device, t, share.sharedColumns()),
                moe(share, device, t, hidden),
                share);
    }

    private static Attention attention(RankShare share, Device device, int t) {
        ModelConfig c = share.config();
        int heads = share.heads().count();
        int qLatent = Math.max(1, c.qLoraRank());
        return new Attention(
                device.allocate(DType.F32, t, qLatent),
                device.allocateActivations(t, qLatent, c.linearFormat()),
                device.allocate(DType.F32, t, heads, c.qHeadDim()),
                device.allocate(DType.F32, t, c.kvDim()),
                device.allocate(DType.F32, t, heads, c.kvDim()),
                device.allocate(DType.F32, t, heads, c.kvLoraRank()),
                device.allocate(DType.F32, t, heads, c.vHeadDim()),
                device.allocateActivations(
                        t,
                        (long) heads * c.vHeadDim(),
                        c.linearFormat(),
                        skew(c, share.heads().first() * c.vHeadDim())));
    }

    private static Mlp mlp(ModelConfig c, Device device, long rows, RankShare.Range columns) {
        return new Mlp(
                device.allocate(DType.F32, rows, 2L * columns.count()),
                device.allocateActivations(rows, columns.count(), c.linearFormat(), skew(c, columns.first())));
    }

    /** Returns how many columns of the whole share a scale with the rank's first, but aren't its own. */
    private static int skew(ModelConfig c, int firstCol) {
        return c.linearFormat().isScaled() ? firstCol % Fp8Matrix.BLOCK : 0;
    }

    private static Moe moe(RankShare share, Device device, int t, Fp8Activations hidden) {
        ModelConfig c = share.config();
        long ofAll = (long) t * share.plan().dp();
        long pairs = share.maxPairs(ofAll);
        Routing arrived = routing(share, device, ofAll, pairs);
        return new Moe(
                device.allocate(DType.F32, t, c.nRoutedExperts()),
                share.isExchanging() ? routing(share, device, t, 0) : arrived,
                share.isExchanging() ? device.allocateActivations(ofAll, c.hiddenSize(), c.linearFormat()) : hidden,
                arrived,
                mlp(c, device, pairs, share.expertColumns()),
                device.allocate(DType.F32, pairs, c.hiddenSize()),
                device.allocate(DType.F32, t, c.hiddenSize()));
    }

    private static Routing routing(RankShare share, Device device, long rows, long pairs) {
        int perToken = share.config().numExpertsPerTok();
        return new Routing(
                device.allocate(DType.I32, rows, perToken),
                device.allocate(DType.F32, rows, perToken),
                device.allocate(DType.I32, share.experts().count() + 1L),
                device.allocate(DType.I32, pairs),
                device.allocate(DType.I32, rows, perToken));
    }

    /** Returns views of the rows of a step. */
    Workspace rowsOf(ModelStep step) {
        int t = step.numTokens();
        int ofAll = step.groups().total();
        return new Workspace(
                residual.firstRows(t),
                normed.firstRows(t),
                update.firstRows(t),
                hidden.firstRows(t),
                attention.firstRows(t),
                dense.firstRows(t),
                shared.firstRows(t),
                moe.firstRows(t, ofAll, share.maxPairs(ofAll)),
                share);
    }
}
