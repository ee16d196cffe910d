// Fills in the columns of x that other ranks of a group have computed: rank r has columns r · part … (r + 1) · part − 1. Pulled from peer
// memory, behind a rank_barrier. Blocks of 256 columns, one row each.
// Floor: over the link, rows · (R − 1) · part · 4 bytes.
#include "ranks.cuh"

struct GatherColumnsParams {
    float* x[kMaxRanks]; // of each rank: [rows, ranks · part] f32
    int part;            // columns of a rank
    int ranks;
    int rank;            // this one's place among them
    int padding;
};
static_assert(sizeof(GatherColumnsParams) == 80, "CudaCollective.gatherColumns writes 80 bytes");

extern "C" __global__ void __launch_bounds__(256) gather_columns(const __grid_constant__ GatherColumnsParams p) {
    int column = blockIdx.x * 256 + threadIdx.x;
    int owner = column / p.part;
    if (owner >= p.ranks || owner == p.rank) return;
    int64_t at = static_cast<int64_t>(blockIdx.y) * p.ranks * p.part + column;
    p.x[p.rank][at] = p.x[owner][at];
}
