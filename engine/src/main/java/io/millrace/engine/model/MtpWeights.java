package io.millrace.engine.model;

import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Tensor;

/**
 * The MTP layer on a device; embedding and head are the main model's.
 *
 * @param embeddingNorm [D] f32, {@code enorm}
 * @param hiddenNorm [D] f32, {@code hnorm}
 * @param ehProj [D, 2D], takes embedding ‖ hidden state
 * @param layer a layer as the main model's
 * @param headNorm [D] f32, {@code shared_head.norm}
 */
record MtpWeights(Tensor embeddingNorm, Tensor hiddenNorm, DenseWeight ehProj, LayerWeights layer, Tensor headNorm) {}
