package io.millrace.engine.model;

import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Tensor;

/**
 * Router and experts of a layer.
 *
 * @param router [E, D], {@code mlp.gate}
 * @param routerBias [E] f32, {@code e_score_correction_bias}; zeros if the model has none
 * @param experts the routed ones
 * @param shared the shared ones, together one MLP
 */
record MoeWeights(DenseWeight router, Tensor routerBias, MlpWeights experts, MlpWeights shared)
        implements LayerWeights.FeedForwardWeights {}
