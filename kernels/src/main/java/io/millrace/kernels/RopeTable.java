package io.millrace.kernels;

/**
 * cos and sin of every position's angles, computed once on the host (see {@code numeric.YarnRope}) and shared by all layers.
 *
 * @param cos [positions, P/2] f32
 * @param sin [positions, P/2] f32
 */
public record RopeTable(Tensor cos, Tensor sin) {}
