package io.millrace.engine.model;

import io.millrace.kernels.Tensor;

/**
 * One layer on a device.
 *
 * @param inputNorm [D] f32, before attention
 * @param postAttentionNorm [D] f32, before the feed-forward part
 * @param feedForward an MLP in the first layers, experts in the others
 */
record LayerWeights(
        Tensor inputNorm, AttentionWeights attention, Tensor postAttentionNorm, FeedForwardWeights feedForward) {

    /** What follows attention in a layer. */
    sealed interface FeedForwardWeights permits MlpWeights, MoeWeights {}
}
