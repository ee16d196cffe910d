// mla_attention: absorbed MLA over the paged latent cache, prefill and decode alike. DeepSeek-V2 §2.1.2, with W_UK and W_UV absorbed.
//
// Reference, for row t of a sequence that sees V positions, and head h (q, key in bf16; scores, p, sums, values in f32):
//     for segment g of 512 absolute positions, ascending:
//         for tile of 64 positions i of g, ascending:
//             s_i = (q[t, h] · key_i) · scale                                          576 = 512 latent + 64 rope; −∞ if i ≥ V
//             m' = max(m, max s);  p_i = exp2(s_i − m');  l = l · exp2(m − m') + Σ p_i
//             o = o · exp2(m − m') + Σ bf16(p_i) · key_i[0 … R)                        the value is the key's latent
//         (M, L, O) of the segments merge ascending: MlaRunning
//     out[t, h] = O / L
//
// Bytes: 2 (R + P) · V a sequence and step (1,152 B a token for R1), q and out; split: 2 · 4 R H more a row and segment. FLOPs 2 (2 R + P) · V · H a row.
// Floor = max(bytes / copy bandwidth, FLOPs / (0.6 · 0.99 PFLOP/s)): from 73 heads a row on compute binds, 16 heads (TP8) are bound by bytes.
//
// Tile picture, 64 lines = (rows of one sequence) × (heads), one block an SM:
//     q      [64 lines, R + P]  9 chunks of [64, 128 B]           warpgroup 0: scores of keys 0 … 31, then values of latent columns 0 … 255
//     keys   [64, R + P] × 2    9 chunks, cp.async from pages     warpgroup 1: scores of keys 32 … 63, then latent columns 256 … 511
//     probs  [64 lines, 64]     bf16, written by both             warpgroup 2: producer
// The keys' chunks serve twice: K-major for scores, MN-major ("transposed") for values; one copy.
//
// Split (decode): an item is (row group, segment), partials merge in mla_attention_merge. In order (prefill, large batches): an item is a row group
// and its block merges. Both do the same arithmetic on the same segments: equal bits, so the plan may choose. More: docs/kernels/mla_attention.md.
#include "mla_attention_tile.cuh"

// The host asks for `bytes` of dynamic shared memory for the attention kernel, none for the merge.
#define MLA_KERNELS(latent, rope, bytes)                                                                                             \
    static_assert(MlaTile<latent, rope>::kSharedBytes == bytes, "docs and host name the shared memory of mla_attention");           \
    extern "C" __global__ void __launch_bounds__(384, 1) mla_attention_##latent##_##rope(const __grid_constant__ MlaAttentionParams params) { \
        DYNAMIC_SHARED(shared);                                                                                                      \
        MlaTile<latent, rope>{params, shared}.run();                                                                                 \
    }                                                                                                                                \
    extern "C" __global__ void __launch_bounds__(128)                                                                                \
        mla_attention_merge_##latent(const __grid_constant__ MlaAttentionParams params) {                                            \
        merge_partials<latent>(params);                                                                                              \
    }

/** A warp a line: rows of several segments get their partials merged, padding rows become zeros, the others are done already. */
template <int kLatent> __device__ __forceinline__ void merge_partials(const MlaAttentionParams& p) {
    long lines = static_cast<long>(p.num_rows) * p.num_heads;
    int lane = threadIdx.x % 32;
    for (long line = blockIdx.x * 4 + threadIdx.x / 32; line < lines; line += gridDim.x * 4) {
        int2 segments = p.row_segments[line / p.num_heads];
        if (segments.y == 1 || (segments.y > 1 && p.plan[1])) continue;
        float2 values[kLatent / 64];
        UNROLL
        for (int i = 0; i < kLatent / 64; i++) values[i] = make_float2(0, 0);
        MlaRunning running = {0, 1};
        for (int s = 0; s < segments.y; s++) {
            long partial = (static_cast<long>(segments.x) + s) * p.num_heads + line % p.num_heads;
            float2 sums = p.partial_sums[partial];
            float old_weight = 0, new_weight = 1;
            if (s == 0) {
                running = {sums.x, sums.y};
            } else {
                running.merge(sums.x, sums.y, old_weight, new_weight);
            }
            UNROLL
            for (int i = 0; i < kLatent / 64; i++) {
                float2 next = *reinterpret_cast<const float2*>(p.partials + partial * kLatent + i * 64 + lane * 2);
                values[i].x = s == 0 ? next.x : MlaRunning::merged(values[i].x, old_weight, next.x, new_weight);
                values[i].y = s == 0 ? next.y : MlaRunning::merged(values[i].y, old_weight, next.y, new_weight);
            }
        }
        float inverse = 1.0f / running.sum;
        UNROLL
        for (int i = 0; i < kLatent / 64; i++) {
            store_value(p.out, line * kLatent + i * 64 + lane * 2, values[i].x * inverse, p.out_is_bf16);
            store_value(p.out, line * kLatent + i * 64 + lane * 2 + 1, values[i].y * inverse, p.out_is_bf16);
        }
    }
}

MLA_KERNELS(512, 64, 230448)
MLA_KERNELS(64, 32, 58416)
