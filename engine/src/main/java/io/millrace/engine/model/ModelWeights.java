package io.millrace.engine.model;

import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model on a device.
 *
 * @param embedding [V, D] bf16 or f32, as published
 * @param finalNorm [D] f32
 * @param head [V, D]
 * @param mtp null if nothing is drafted
 */
record ModelWeights(
        Tensor embedding,
        List<LayerWeights> layers,
        Tensor finalNorm,
        DenseWeight head,
        @Nullable MtpWeights mtp) {}
