// silu(gate) · up, then to e4m3 as in quantize.cuh. A warp per group of 128 columns.
// Floor: T · F · 9 bytes.
#include "quantize.cuh"

struct SiluMulQuantizeParams {
    CodeRows out;              // codes [T, F up to 128] e4m3 or bf16, scales [T, F/128] f32
    Rows<const float> gate_up; // [T, 2F] f32: gate first
    int cols;                  // F
    int groups;                // F/128, rounded up, with the skew
    int skew;                  // zeros before the columns, where they were cut from a wider matrix
    int format;                // ActivationFormat
};
static_assert(sizeof(SiluMulQuantizeParams) == 64, "CudaRows.siluMulQuantize writes 64 bytes");

extern "C" __global__ void __launch_bounds__(32 * kGroupsPerBlock)
    silu_mul_quantize(const __grid_constant__ SiluMulQuantizeParams p) {
    int group = blockIdx.y * kGroupsPerBlock + threadIdx.x / 32;
    if (group >= p.groups) return;
    const float* gate = p.gate_up.row(blockIdx.x);
    float values[4];
    for (int i = 0; i < 4; i++) {
        int c = group * kGroup + threadIdx.x % 32 * 4 + i - p.skew;
        values[i] = c >= 0 && c < p.cols ? gate[c] / (1.0f + expf(-gate[c])) * gate[p.cols + c] : 0.0f;
    }
    quantize_group(p.out, p.format, blockIdx.x, group, values);
}
