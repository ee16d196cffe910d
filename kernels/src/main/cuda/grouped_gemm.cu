// grouped_gemm: gemm once per expert, over the rows that chose it. Routing stays on the device: no count returns to the host.
//
// Reference (offsets [E + 1]: expert e owns rows offsets[e] … offsets[e + 1] − 1 of out; pair_tokens: the row of x behind a row of out):
//     for e, r in offsets[e] … offsets[e + 1] − 1:
//         s = pair_tokens ? pair_tokens[r] : r
//         out[r, n] = as gemm, of x[s] and the weight of expert e
//
// Bytes: N · K of each expert with ≥ 1 row, once (rows beyond kTokens of one expert read them again, from L2) + activations and out of all pairs.
// FLOPs 2 · pairs · N · K. Expected experts touched by T rows of K_e choices among E, uniform: E · (1 − (1 − K_e / E)^T); R1: 8 at T = 1, 102 at 16, 222 at 64.
// Items: (expert, 64 · kWarpgroups features, kTokens rows), rows fastest; each block counts them itself (one warp, a scan of offsets) and walks
// every gridDim.x-th. Tile picture: tiled_gemm.cuh. Variants, sizes, what isn't measured: docs/kernels/grouped_gemm.md.
#include "tiled_gemm.cuh"

TILED_GEMM_KERNEL(grouped_gemm_8, E4m3Blocks, 8, 1, true, 76164)
TILED_GEMM_KERNEL(grouped_gemm_16, E4m3Blocks, 16, 1, true, 63972)
TILED_GEMM_KERNEL(grouped_gemm_32, E4m3Blocks, 32, 1, true, 101508)
TILED_GEMM_KERNEL(grouped_gemm_64, E4m3Blocks, 64, 1, true, 101988)
TILED_GEMM_KERNEL(grouped_gemm_128, E4m3Blocks, 128, 2, true, 201828)
