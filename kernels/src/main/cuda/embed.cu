// out[t] = table[ids[t]]. One block per token.
// Floor: T · D · (4 + 2) bytes with a bf16 table.
#include "rows.cuh"

struct EmbedParams {
    Rows<float> out;           // [T, D] f32
    Rows<const uint16_t> table; // [V, D] bf16, or f32 behind the same pointer; ld in elements
    Rows<const int> ids;       // [T] i32
    Fault* fault;
    int cols;                  // D
    int vocabulary;            // V
    int is_bf16;               // of the table
    int padding;
};
static_assert(sizeof(EmbedParams) == 72, "CudaRows.embed writes 72 bytes");

extern "C" __global__ void __launch_bounds__(256) embed(const __grid_constant__ EmbedParams p) {
    int t = blockIdx.x;
    int id = *p.ids.row(t);
    if (!in_range(p.fault, kFaultEmbedId, t, id, p.vocabulary)) return;
    float* out = p.out.row(t);
    const uint16_t* halves = p.table.row(id);
    const float* floats = reinterpret_cast<const float*>(p.table.at) + id * p.table.ld;
    for (int i = threadIdx.x; i < p.cols; i += blockDim.x) out[i] = p.is_bf16 ? bf16_to_float(halves[i]) : floats[i];
}
