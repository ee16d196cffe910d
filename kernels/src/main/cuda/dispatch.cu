// Brings the rows of all groups to a rank: all expert ids, and the activations of those rows that chose one of its experts. Rows lie one
// group's behind the other's. Pulled from peer memory, behind a rank_barrier. One block per row.
// Floor: over the link, per row that comes from another rank, K · 4 bytes, and D · (1 + 4 / 128), or 2 D in bf16, if it is wanted.
#include "ranks.cuh"

struct DispatchParams {
    const uint8_t* codes[kMaxRanks]; // of each group, on one of its ranks: [T of the group, code_bytes], e4m3 or bf16
    const float* scales[kMaxRanks];  // [T of the group, scale_cols] f32
    const int* ids[kMaxRanks];       // [T of the group, K] i32
    uint8_t* out_codes;              // [ΣT, code_bytes]
    float* out_scales;               // [ΣT, scale_cols] f32
    int* out_ids;                    // [ΣT, K] i32
    int starts[kMaxRanks + 1];       // row of out of each group's first; behind the last group ΣT
    int groups;
    int code_bytes;                  // a multiple of 128
    int scale_cols;
    int top_k;                       // K
    int first_expert;                // this rank's
    int experts;
    int padding;
};
static_assert(sizeof(DispatchParams) == 280, "CudaCollective.dispatch writes 280 bytes");

extern "C" __global__ void __launch_bounds__(128) dispatch(const __grid_constant__ DispatchParams p) {
    int row = blockIdx.x;
    int group = 0;
    while (row >= p.starts[group + 1]) group++;
    int64_t t = row - p.starts[group];
    const int* ids = p.ids[group] + t * p.top_k;
    bool is_wanted = false;
    for (int j = 0; j < p.top_k; j++) is_wanted |= ids[j] >= p.first_expert && ids[j] < p.first_expert + p.experts;
    for (int j = threadIdx.x; j < p.top_k; j += 128) p.out_ids[static_cast<int64_t>(row) * p.top_k + j] = ids[j];
    if (!is_wanted) return;
    const uint4* codes = reinterpret_cast<const uint4*>(p.codes[group] + t * p.code_bytes);
    uint4* out = reinterpret_cast<uint4*>(p.out_codes + static_cast<int64_t>(row) * p.code_bytes);
    for (int i = threadIdx.x; i < p.code_bytes / 16; i += 128) out[i] = codes[i];
    const float* scales = p.scales[group] + t * p.scale_cols;
    for (int i = threadIdx.x; i < p.scale_cols; i += 128) p.out_scales[static_cast<int64_t>(row) * p.scale_cols + i] = scales[i];
}
