// x = Σ x over the ranks of a group, in rank order in f32, in place. "Two-shot": each rank adds a slice of all ranks' tensors and writes
// the sum to all of them, so every rank gets the same bits. Between two rank_barriers.
// Floor: 2 · (R − 1) / R · bytes of x over a device's link, each way.
#include "ranks.cuh"

struct AllReduceParams {
    float* x[kMaxRanks]; // of each rank, f32, aligned to 16
    int64_t first;       // of this rank's slice, a multiple of 4
    int64_t count;
    int ranks;
    int padding;
};
static_assert(sizeof(AllReduceParams) == 88, "CudaCollective.allReduce writes 88 bytes");

extern "C" __global__ void __launch_bounds__(256) all_reduce(const __grid_constant__ AllReduceParams p) {
    int64_t at = p.first + (static_cast<int64_t>(blockIdx.x) * 256 + threadIdx.x) * 4;
    int64_t end = p.first + p.count;
    if (at + 4 <= end) {
        float4 sum = *reinterpret_cast<const float4*>(p.x[0] + at);
        for (int r = 1; r < p.ranks; r++) {
            float4 x = *reinterpret_cast<const float4*>(p.x[r] + at);
            sum.x = __fadd_rn(sum.x, x.x);
            sum.y = __fadd_rn(sum.y, x.y);
            sum.z = __fadd_rn(sum.z, x.z);
            sum.w = __fadd_rn(sum.w, x.w);
        }
        for (int r = 0; r < p.ranks; r++) *reinterpret_cast<float4*>(p.x[r] + at) = sum;
        return;
    }
    for (; at < end; at++) {
        float sum = p.x[0][at];
        for (int r = 1; r < p.ranks; r++) sum = __fadd_rn(sum, p.x[r][at]);
        for (int r = 0; r < p.ranks; r++) p.x[r][at] = sum;
    }
}
