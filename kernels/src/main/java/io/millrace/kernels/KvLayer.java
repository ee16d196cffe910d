package io.millrace.kernels;

/**
 * The KV pages of one layer: row {@code slot} of {@code pages} holds a token's normed latent and rotated rope key.
 *
 * @param pages [numPages · pageTokens, latentDim + ropeDim] f32 (cpu) or bf16 (cuda)
 * @param pageTokens tokens of a page
 * @param latentDim R, {@code kv_lora_rank}
 * @param ropeDim P, {@code qk_rope_head_dim}
 */
public record KvLayer(Tensor pages, int pageTokens, int latentDim, int ropeDim) {}
