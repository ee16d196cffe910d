// out[t] = table[ids[t] − first_id], or 0 where that row isn't in this part of the table. One block per token.
// Floor: T · D · (4 + 2) bytes with a bf16 table.
#include "rows.cuh"

struct EmbedParams {
    Rows<float> out;           // [T, D] f32
    Rows<const uint16_t> table; // [table_rows, D] bf16, or f32 behind the same pointer; ld in elements
    Rows<const int> ids;       // [T] i32
    Fault* fault;
    int cols;                  // D
    int vocabulary;            // V
    int first_id;              // of the table's first row
    int table_rows;
    int is_bf16;               // of the table
    int padding;
};
static_assert(sizeof(EmbedParams) == 80, "CudaRows.embed writes 80 bytes");

extern "C" __global__ void __launch_bounds__(256) embed(const __grid_constant__ EmbedParams p) {
    int t = blockIdx.x;
    int token = *p.ids.row(t);
    if (!in_range(p.fault, kFaultEmbedId, t, token, p.vocabulary)) return;
    float* out = p.out.row(t);
    int id = token - p.first_id;
    if (id < 0 || id >= p.table_rows) {
        for (int i = threadIdx.x; i < p.cols; i += blockDim.x) out[i] = 0;
        return;
    }
    const uint16_t* halves = p.table.row(id);
    const float* floats = reinterpret_cast<const float*>(p.table.at) + id * p.table.ld;
    for (int i = threadIdx.x; i < p.cols; i += blockDim.x) out[i] = p.is_bf16 ? bf16_to_float(halves[i]) : floats[i];
}
