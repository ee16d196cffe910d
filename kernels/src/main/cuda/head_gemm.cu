// head_gemm: out[t, h, out_start + n] = Σ_k x[t, h, x_start + k] · w[h, n, k], absorbed kv_b in bf16: q → latent and latent → v.
//
// Reference: dense_gemm for each head h with x and out shifted: x_start + h · x_group, out_start + h · out_group (columns of a head).
//
// Bytes: 2 · H · N · K weights + activations and out as in dense_gemm. FLOPs 2 T H N K. R1, 16 heads a rank: 2 · 16 · 512 · 128 = 2.1 MB either way.
// Items: (head, 64 · kWarpgroups features, kTokens rows). Tile picture: tiled_gemm.cuh. Variants: docs/kernels/gemm.md.
#include "tiled_gemm.cuh"

TILED_GEMM_KERNEL(head_gemm_8, Bf16Blocks, 8, 1, false, 73864)
TILED_GEMM_KERNEL(head_gemm_32, Bf16Blocks, 32, 1, false, 98440)
TILED_GEMM_KERNEL(head_gemm_128, Bf16Blocks, 128, 2, false, 196712)
