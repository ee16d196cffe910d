package io.millrace.engine.model;

import io.millrace.kernels.LinearWeight;

/**
 * A gated MLP of width F, or E of them, one per routed expert.
 *
 * @param gateUp [E × 2F, D]: gate's rows, then up's
 * @param down [E × D, F]
 */
record MlpWeights(LinearWeight gateUp, LinearWeight down) implements LayerWeights.FeedForwardWeights {}
