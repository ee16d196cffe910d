// grouped_dense_gemm: dense_gemm once per expert, over the rows that chose it: bf16 experts. Routing as in grouped_gemm.
//
// Reference (offsets [E + 1]: expert e owns rows offsets[e] … offsets[e + 1] − 1 of out; pair_tokens: the row of x behind a row of out):
//     for e, r in offsets[e] … offsets[e + 1] − 1:
//         s = pair_tokens ? pair_tokens[r] : r
//         out[r, n] = as dense_gemm, of x[s], already bf16, and the weight of expert e
//
// Bytes: 2 · N · K of each expert with ≥ 1 row, once (rows beyond kTokens of one expert read them again, from L2) + activations and out of all pairs.
// FLOPs 2 · pairs · N · K at the bf16 rate. Items: as grouped_gemm's. Tile picture: tiled_gemm.cuh. Variants: docs/kernels/grouped_gemm.md.
#include "tiled_gemm.cuh"

TILED_GEMM_KERNEL(grouped_dense_gemm_8, Bf16Blocks, 8, 1, true, 75908)
TILED_GEMM_KERNEL(grouped_dense_gemm_32, Bf16Blocks, 32, 1, true, 100484)
TILED_GEMM_KERNEL(grouped_dense_gemm_128, Bf16Blocks, 128, 2, true, 198756)
