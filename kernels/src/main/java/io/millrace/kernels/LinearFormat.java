package io.millrace.kernels;

/** How the matrices of linear layers are stored, and as what activations meet them. Head, router and {@code eh_proj} are bf16 with all of them. */
public enum LinearFormat {
    /** e4m3 codes with an f32 scale per block of 128 × 128; activations e4m3 with an f32 scale per row and 128 columns (V3, R1). */
    E4M3,
    /**
     * As {@link #E4M3}, but the scales of activations are rounded up to a power of two ({@code scale_fmt: ue8m0}, V3.1). The
     * weights' own scales stay f32 and are multiplied as they are: V3.1's are powers of two in all layers but {@code o_proj}.
     */
    E4M3_UE8M0,
    /** bf16 weights and activations, no scales (V2-Lite, Moonlight). */
    BF16;

    /** Returns whether weights have block scales. */
    public boolean isScaled() {
        return this != BF16;
    }
}
