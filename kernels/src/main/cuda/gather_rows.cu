// out[i] = x[rows[i]]. One block per row.
// Floor: S · D · 8 bytes.
#include "rows.cuh"

struct GatherRowsParams {
    Rows<float> out;      // [S, D] f32
    Rows<const float> x;  // [T, D] f32
    Rows<const int> rows; // [S] i32
    Fault* fault;
    int cols;             // D
    int x_rows;           // T
};
static_assert(sizeof(GatherRowsParams) == 64, "CudaRows.gatherRows writes 64 bytes");

extern "C" __global__ void __launch_bounds__(256) gather_rows(const __grid_constant__ GatherRowsParams p) {
    int i = blockIdx.x;
    int row = *p.rows.row(i);
    if (!in_range(p.fault, kFaultGatherRow, i, row, p.x_rows)) return;
    for (int c = threadIdx.x; c < p.cols; c += blockDim.x) p.out.row(i)[c] = p.x.row(row)[c];
}
