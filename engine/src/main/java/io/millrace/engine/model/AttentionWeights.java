package io.millrace.engine.model;

import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * MLA weights of a layer; H heads, R latent.
 *
 * @param queryLatent how q's latent is made, null where q comes straight from the hidden state ({@code q_lora_rank: null})
 * @param q [H · (nope + rope), q latent or D]
 * @param kvA [R + rope, D]
 * @param kvANorm [R] f32
 * @param keyUp [H, R, nope]: q's nope part → latent, the transposed k half of {@code kv_b_proj}
 * @param valueUp [H, v, R]: latent → v, the v half
 * @param o [D, H · v]
 */
record AttentionWeights(
        @Nullable QueryLatent queryLatent,
        LinearWeight q,
        LinearWeight kvA,
        Tensor kvANorm,
        DenseWeight keyUp,
        DenseWeight valueUp,
        LinearWeight o) {

    /**
     * Down projection and norm of q's latent.
     *
     * @param down [q latent, D]
     * @param norm [q latent] f32
     */
    record QueryLatent(LinearWeight down, Tensor norm) {}
}
