package io.millrace.engine.model;

/** How a checkpoint stores the matrices of its linear layers; embedding, head, router and norms are bf16 in all of them. */
public enum WeightFormat {
    /** e4m3 codes with an f32 scale per block of 128 × 128 (V3, R1). */
    E4M3,
    /**
     * As {@link #E4M3}, but activations meet them with scales that are rounded up to a power of two ({@code scale_fmt: ue8m0}, V3.1). The
     * weights' own scales stay f32 tensors and are multiplied as they are: V3.1's are powers of two in all layers but {@code o_proj}.
     */
    E4M3_UE8M0,
    /** bf16, no {@code quantization_config} (V2-Lite, Moonlight). */
    BF16;

    /** Returns whether there are block scales. */
    public boolean isScaled() {
        return this != BF16;
    }
}
