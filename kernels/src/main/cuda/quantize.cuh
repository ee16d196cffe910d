// e4m3 activations: per row and 128 columns, scale = max(|x|, 1e-4) / 448 and code = e4m3(x / scale), to nearest even
// (DeepSeek-V3 inference code; numeric.BlockScale on the host gives the same bits).
#pragma once
#include "rows.cuh"

constexpr int kGroup = 128;            // columns that share a scale
constexpr int kGroupsPerBlock = 8;     // a warp per group
constexpr float kMinAmax = 1e-4f;
constexpr float kE4m3Max = 448.0f;

/** Where a row's codes and scales go: codes [T, ld] e4m3 with ld = groups · 128 (the skew before the K columns, and what is behind them, are 0), scales [T, groups] f32. */
struct CodeRows {
    Rows<uint8_t> codes;
    Rows<float> scales;
};

/** Quantises a group: lane l holds columns 4l … 4l + 3 (0 where there are none). */
__device__ inline void quantize_group(const CodeRows& out, int64_t row, int group, const float (&x)[4]) {
    int lane = threadIdx.x % 32;
    float amax = fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])));
    float scale = fmaxf(warp_max(amax), kMinAmax) / kE4m3Max;
    uint32_t low = e4m3x2_from_floats(x[0] / scale, x[1] / scale);
    uint32_t high = e4m3x2_from_floats(x[2] / scale, x[3] / scale);
    reinterpret_cast<uint32_t*>(out.codes.row(row) + group * kGroup)[lane] = low | high << 16;
    if (lane == 0) out.scales.row(row)[group] = scale;
}
