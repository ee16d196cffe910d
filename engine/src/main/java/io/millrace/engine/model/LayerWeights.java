package io.millrace.engine.model;

import io.millrace.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One layer on a device.
 *
 * @param inputNorm [D] f32, before attention
 * @param postAttentionNorm [D] f32, before the feed-forward part
 * @param mlp in a dense layer
 * @param moe in any other
 */
record LayerWeights(
        Tensor inputNorm,
        AttentionWeights attention,
        Tensor postAttentionNorm,
        @Nullable MlpWeights mlp,
        @Nullable MoeWeights moe) {}
