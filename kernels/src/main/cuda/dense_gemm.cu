// dense_gemm: out[t, n] = Σ_k x[t, k] · w[n, k] for bf16 weights: router, head, eh_proj. x is bf16, or f32 and rounded to bf16 on its way.
//
// Reference:
//     for t, n:
//         sum = 0                                                                     the tensor core's f32 accumulator
//         for k in 0 … K − 1 ascending, 16 a wgmma: sum += bf16(x[t, k]) · w[n, k]
//         out[t, n] = sum, or bf16(sum)
//
// Bytes: 2 · N · K weights + 2 or 4 bytes · T · K + 4 or 2 bytes · T · N out. FLOPs 2 T N K at the bf16 rate (0.99 PFLOP/s dense).
// A tile is 64 features × 64 k. Tile picture, same-bits argument: tiled_gemm.cuh. Variants: docs/kernels/gemm.md.
#include "tiled_gemm.cuh"

TILED_GEMM_KERNEL(dense_gemm_8, Bf16Blocks, 8, 1, false, 73864)
TILED_GEMM_KERNEL(dense_gemm_32, Bf16Blocks, 32, 1, false, 98440)
TILED_GEMM_KERNEL(dense_gemm_128, Bf16Blocks, 128, 2, false, 196712)
