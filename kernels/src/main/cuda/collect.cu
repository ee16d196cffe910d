// combine over ranks: out[t] = Σ_j weights[t, j] · (the pair's row on the rank that holds its expert) in ascending expert id, then
// + shared[t]: the order, hence the bits, of combine on one rank. Pulled from peer memory, behind a rank_barrier. One block per token and
// 256 columns.
// Floor: over the link, T · D · 4 bytes times the pairs whose experts are on other ranks.
#include "ranks.cuh"

struct CollectParams {
    Rows<float> out;                    // [T, D] f32
    Rows<const float> shared;           // [T, D] f32
    Rows<const float> weights;          // [T, K] f32
    Rows<const int> ids;                // [T, K] i32, −1 = none
    const float* expert_out[kMaxRanks]; // of each rank: [expert_rows, D] f32, in its expert order
    const int* pair_rows[kMaxRanks];    // of each rank: [ΣT, K] i32
    Fault* fault;
    int cols;                           // D
    int top_k;                          // K
    int experts;                        // of each rank
    int expert_rows;
    int first_row;                      // of this group among ΣT
    int padding;
};
static_assert(sizeof(CollectParams) == 224, "CudaCollective.collect writes 224 bytes");

extern "C" __global__ void __launch_bounds__(256) collect(const __grid_constant__ CollectParams p) {
    int t = blockIdx.x;
    int c = blockIdx.y * 256 + threadIdx.x;
    if (c >= p.cols) return;
    float sum = 0;
    for (int j = 0; j < p.top_k; j++) {
        int id = p.ids.row(t)[j];
        if (id < 0) continue;
        int rank = id / p.experts;
        int row = p.pair_rows[rank][static_cast<int64_t>(p.first_row + t) * p.top_k + j];
        if (!in_range(p.fault, kFaultCollectRow, t, row, p.expert_rows)) continue;
        sum = __fmaf_rn(p.weights.row(t)[j], p.expert_out[rank][static_cast<int64_t>(row) * p.cols + c], sum);
    }
    p.out.row(t)[c] = sum + p.shared.row(t)[c];
}
