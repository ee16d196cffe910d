// out[t] = Σ_j weights[t, j] · expert_out[pair_rows[t, j]] in ascending expert id, then + shared[t]. One block per token and 256
// columns; no atomics, so the order is always the same.
// Floor: T · D · 4 · (K + 2) bytes.
#include "rows.cuh"

struct CombineParams {
    Rows<float> out;              // [T, D] f32
    Rows<const float> expert_out; // [T · K, D] f32, in expert order
    Rows<const float> shared;     // [T, D] f32
    Rows<const float> weights;    // [T, K] f32
    Rows<const int> pair_rows;    // [T, K] i32, −1 = none
    Fault* fault;
    int cols;                     // D
    int top_k;                    // K
    int expert_rows;              // rows of expert_out
    int padding;
};
static_assert(sizeof(CombineParams) == 104, "CudaRouter.combine writes 104 bytes");

extern "C" __global__ void __launch_bounds__(256) combine(const __grid_constant__ CombineParams p) {
    int t = blockIdx.x;
    int c = blockIdx.y * 256 + threadIdx.x;
    if (c >= p.cols) return;
    float sum = 0;
    for (int j = 0; j < p.top_k; j++) {
        int row = p.pair_rows.row(t)[j];
        if (row < 0 || !in_range(p.fault, kFaultCombineRow, t, row, p.expert_rows)) continue;
        sum = __fmaf_rn(p.weights.row(t)[j], p.expert_out.row(row)[c], sum);
    }
    p.out.row(t)[c] = sum + p.shared.row(t)[c];
}
