// Rotates the rope parts of q and of the key (interleaved pairs 2i, 2i + 1) and writes the token's page slot. One block per token.
// Two products and one sum per number, no fma: query and key are rotated by the same formula.
// Floor: T · (H · P · 8 + (R + P) · (4 + 2)) bytes with bf16 pages.
#include "rows.cuh"

struct RopeAppendKvParams {
    Rows<uint16_t> pages;      // [slots, R + P] bf16, or f32 behind the same pointer; ld in elements
    Rows<float> absorbed_q;    // [T, H, R + P] f32: columns R … of each head are written
    Rows<const float> q;       // [T, H, head_cols] f32: the last P of each head are read
    Rows<const float> latent;  // [T, R + P] f32
    Rows<const int> positions; // [T] i32
    Rows<const int> slots;     // [T] i32
    Rows<const float> cos;     // [positions, P/2] f32
    Rows<const float> sin;     // [positions, P/2] f32
    Fault* fault;
    int heads;                 // H
    int head_cols;             // of q
    int latent_dim;            // R
    int rope_dim;              // P
    int num_positions;         // rows of the table
    int num_slots;             // rows of the pages
    int is_bf16;               // of the pages
    int padding;
};
static_assert(sizeof(RopeAppendKvParams) == 168, "CudaRope writes 168 bytes");

__device__ inline void store(const RopeAppendKvParams& p, int64_t slot, int column, float value) {
    if (p.is_bf16) {
        p.pages.row(slot)[column] = bf16_from_float(value);
    } else {
        (reinterpret_cast<float*>(p.pages.at) + slot * p.pages.ld)[column] = value;
    }
}

/** (x0 + j x1) · (c + j s) */
__device__ inline float2 rotate(const float* x, float c, float s) {
    return make_float2(__fadd_rn(__fmul_rn(x[0], c), -__fmul_rn(x[1], s)), __fadd_rn(__fmul_rn(x[0], s), __fmul_rn(x[1], c)));
}

extern "C" __global__ void __launch_bounds__(256) rope_append_kv(const __grid_constant__ RopeAppendKvParams p) {
    int t = blockIdx.x;
    int position = *p.positions.row(t);
    int slot = *p.slots.row(t);
    if (!in_range(p.fault, kFaultRopePosition, t, position, p.num_positions)
        || !in_range(p.fault, kFaultRopeSlot, t, slot, p.num_slots)) {
        return;
    }
    const float* cos = p.cos.row(position);
    const float* sin = p.sin.row(position);
    int pairs = p.rope_dim / 2;
    for (int i = threadIdx.x; i < p.heads * pairs; i += blockDim.x) {
        int head = i / pairs, pair = i % pairs;
        const float* x = p.q.row(t) + (head + 1) * p.head_cols - p.rope_dim + 2 * pair;
        float* out = p.absorbed_q.row(t) + head * (p.latent_dim + p.rope_dim) + p.latent_dim + 2 * pair;
        float2 y = rotate(x, cos[pair], sin[pair]);
        out[0] = y.x;
        out[1] = y.y;
    }
    const float* latent = p.latent.row(t);
    for (int i = threadIdx.x; i < p.latent_dim; i += blockDim.x) store(p, slot, i, latent[i]);
    for (int pair = threadIdx.x; pair < pairs; pair += blockDim.x) {
        float2 y = rotate(latent + p.latent_dim + 2 * pair, cos[pair], sin[pair]);
        store(p, slot, p.latent_dim + 2 * pair, y.x);
        store(p, slot, p.latent_dim + 2 * pair + 1, y.y);
    }
}
