// gemm: out[t, n] = Σ_k x[t, k] · w[n, k] for e4m3 activations with a scale per row and 128 columns, and block-scaled e4m3 weights.
//
// Reference (x_code, w_code: e4m3; KB = ceil(K / 128); w_scale of the 128 × 128 block, repeated per 64-row tile):
//     for t, n:
//         sum = 0                                                                     f32
//         for b in 0 … KB − 1:
//             product = Σ_{k in block b} x_code[t, k] · w_code[n, k]                  tensor core, four wgmma of 32 k, from zero
//             sum = fma(product, x_scale[t, b] · w_scale[n, b], sum)                  f32
//         out[t, n] = sum, or bf16(sum)
//
// Bytes: N · K weights once (e4m3) + 4 N K / (64 · 128) tile scales + T · K + 4 T · KB activations + 4 or 2 bytes · T · N out. FLOPs 2 T N K.
// Floor = max(bytes / copy bandwidth, FLOPs / (0.6 · 1.98 PFLOP/s)): below 138 rows on an H200 the weights' bytes bind.
// Tile picture, same-bits argument: tiled_gemm.cuh. Variants, sizes, what isn't measured: docs/kernels/gemm.md.
#include "tiled_gemm.cuh"

TILED_GEMM_KERNEL(gemm_8, E4m3Blocks, 8, 1, false, 74120)
TILED_GEMM_KERNEL(gemm_16, E4m3Blocks, 16, 1, false, 61928)
TILED_GEMM_KERNEL(gemm_32, E4m3Blocks, 32, 1, false, 99464)
TILED_GEMM_KERNEL(gemm_64, E4m3Blocks, 64, 1, false, 99944)
TILED_GEMM_KERNEL(gemm_128, E4m3Blocks, 128, 2, false, 199784)
