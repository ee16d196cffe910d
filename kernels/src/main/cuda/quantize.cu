// Rows to e4m3 with a scale per 128 columns, or to bf16: see quantize.cuh. A warp per group.
// Floor: T · K · 5 bytes.
#include "quantize.cuh"

struct QuantizeParams {
    CodeRows out;        // codes [T, K up to 128] e4m3 or bf16, scales [T, K/128] f32
    Rows<const float> x; // [T, K] f32
    int cols;            // K
    int groups;          // K/128, rounded up, with the skew
    int skew;            // zeros before the columns, where they were cut from a wider matrix
    int format;          // ActivationFormat
};
static_assert(sizeof(QuantizeParams) == 64, "CudaRows.quantize writes 64 bytes");

extern "C" __global__ void __launch_bounds__(32 * kGroupsPerBlock) quantize(const __grid_constant__ QuantizeParams p) {
    int group = blockIdx.y * kGroupsPerBlock + threadIdx.x / 32;
    if (group >= p.groups) return;
    const float* x = p.x.row(blockIdx.x);
    float values[4];
    for (int i = 0; i < 4; i++) {
        int c = group * kGroup + threadIdx.x % 32 * 4 + i - p.skew;
        values[i] = c >= 0 && c < p.cols ? x[c] : 0.0f;
    }
    quantize_group(p.out, p.format, blockIdx.x, group, values);
}
