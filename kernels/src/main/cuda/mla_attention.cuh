// What the three kernels of MLA attention share: parameters, segments, and the arithmetic of merging them (one place, so the same bits).
#ifndef MILLRACE_MLA_ATTENTION_CUH
#define MILLRACE_MLA_ATTENTION_CUH
#include "ptx.cuh"

/** Positions of a segment: the context splits at absolute multiples of it. Ops.ATTENTION_SPLIT_TOKENS. */
constexpr int kSegmentTokens = 512;
/** Keys that a block multiplies at a time. */
constexpr int kKeyTile = 64;
/** Lines (query row, head) that a block works on: M of wgmma. */
constexpr int kLines = 64;

/** Parameters of mla_attention_plan: which block does what; one launch a step, read by every layer. */
struct MlaPlanParams {
    const int* query_starts;   // [num_sequences + 1] rows of each sequence
    const int* context_tokens; // [num_sequences] tokens in the cache, this step's included
    int* plan;                 // out [4]: items, 1 if blocks take all segments of their rows in order, 0, 0
    int4* items;               // out [num_rows + partial_capacity]: sequence, first row, rows, segment (−1: all in order)
    int2* row_segments;        // out [num_rows]: first partial of the row, its number of segments (0: belongs to no sequence)
    int num_sequences;
    int num_rows;              // T, rows of q and out; those from query_starts[num_sequences] on are padding
    int rows_per_tile;         // 64 / heads, heads rounded up to a power of two; 1 from 33 heads on
    int partial_capacity;      // partials that fit: if the step needs more, blocks take segments in order (the same bits)
    int in_order_groups;       // from this many row groups on the device is full without splitting: in order too
    int reserved;              // 0
};
static_assert(sizeof(MlaPlanParams) == 64, "the host lays out 5 addresses and 6 ints");

/** Parameters of mla_attention_512_64, mla_attention_64_32 and their merges. R latent, P rope. */
struct MlaAttentionParams {
    void* out;               // [T, H, R] f32 or bf16
    const void* q;           // [T, H, R + P] bf16, or f32 and rounded to bf16
    const uint16_t* pages;   // [slots, R + P] bf16
    const int* query_starts; // as in the plan
    const int* context_tokens;
    const int* block_tables; // [num_sequences, max_pages]
    const int* plan;         // as mla_attention_plan wrote them
    const int4* items;
    const int2* row_segments;
    float* partials;         // [partial_capacity, H, R] unnormalised values of a segment
    float2* partial_sums;    // [partial_capacity, H] (max of scores · log2 e, sum of p)
    float* running;          // [grid, 64, R] values so far of each block's lines, in order of its threads; in order only
    float scale;             // softmax scale · log2 e
    int num_rows;            // T
    int num_heads;           // H of this rank
    int page_tokens;
    int max_pages;           // columns of block_tables
    int out_is_bf16;
    int q_is_f32;
    int reserved;            // 0
};
static_assert(sizeof(MlaAttentionParams) == 128, "the host lays out 12 addresses, a float and 7 ints");

/** Positions that a row of a sequence sees: up to its own. `end` is the row after the sequence's last. */
__device__ __forceinline__ int visible_tokens(int context, int end, int row) { return context - (end - 1 - row); }

__device__ __forceinline__ int segments_of(int visible) { return visible <= 0 ? 0 : (visible + kSegmentTokens - 1) / kSegmentTokens; }

/** State of one line over the segments merged so far. */
struct MlaRunning {
    float maximum, sum;

    /** Takes the next segment in: afterwards values = values · old_weight + segment · new_weight, by merged(). */
    __device__ __forceinline__ void merge(float segment_maximum, float segment_sum, float& old_weight, float& new_weight) {
        float both = fmaxf(maximum, segment_maximum);
        old_weight = exp2f(maximum - both);
        new_weight = exp2f(segment_maximum - both);
        maximum = both;
        sum = __fmaf_rn(sum, old_weight, __fmul_rn(segment_sum, new_weight));
    }
    static __device__ __forceinline__ float merged(float old_value, float old_weight, float value, float new_weight) {
        return __fmaf_rn(old_value, old_weight, __fmul_rn(value, new_weight));
    }
};

__device__ __forceinline__ void store_value(void* out, long at, float value, int is_bf16) {
    if (is_bf16) {
        static_cast<uint16_t*>(out)[at] = bf16_from_float(value);
    } else {
        static_cast<float*>(out)[at] = value;
    }
}

#endif
