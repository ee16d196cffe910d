// e4m3 activations: per row and 128 columns, scale = max(|x|, 1e-4) / 448 and code = e4m3(x / scale), to nearest even
// (DeepSeek-V3 inference code; numeric.BlockScale on the host gives the same bits). ue8m0: the scale is rounded up to a power of two.
// Or bf16 activations, which have no scales.
#pragma once
#include "rows.cuh"

constexpr int kGroup = 128;            // columns that share a scale
constexpr int kGroupsPerBlock = 8;     // a warp per group
constexpr float kMinAmax = 1e-4f;
constexpr float kE4m3Max = 448.0f;

/** Same numbers as CudaRows.formatOf. */
enum ActivationFormat { kActivationsE4m3, kActivationsE4m3Ue8m0, kActivationsBf16 };

/**
 * Where a row's codes and scales go: codes [T, ld] e4m3 or bf16 with ld = groups · 128 (the skew before the K columns, and what is behind
 * them, are 0), scales [T, groups] f32, unless bf16.
 */
struct CodeRows {
    Rows<uint8_t> codes;
    Rows<float> scales;
};

/** The smallest power of two ≥ x, a normal number > 0: a mantissa that isn't 0 carries into the exponent. */
__device__ inline float ceil_to_power_of_two(float x) { return __uint_as_float((__float_as_uint(x) + 0x7FFFFFu) & 0xFF800000u); }

/** Quantises a group: lane l holds columns 4l … 4l + 3 (0 where there are none). */
__device__ inline void quantize_group(const CodeRows& out, int format, int64_t row, int group, const float (&x)[4]) {
    int lane = threadIdx.x % 32;
    if (format == kActivationsBf16) {
        uint2 piece;
        piece.x = bf16_from_float(x[0]) | static_cast<uint32_t>(bf16_from_float(x[1])) << 16;
        piece.y = bf16_from_float(x[2]) | static_cast<uint32_t>(bf16_from_float(x[3])) << 16;
        uint16_t* start = reinterpret_cast<uint16_t*>(out.codes.at) + row * out.codes.ld + group * kGroup;
        reinterpret_cast<uint2*>(start)[lane] = piece;
        return;
    }
    float amax = fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])));
    float scale = fmaxf(warp_max(amax), kMinAmax) / kE4m3Max;
    if (format == kActivationsE4m3Ue8m0) scale = ceil_to_power_of_two(scale);
    uint32_t low = e4m3x2_from_floats(x[0] / scale, x[1] / scale);
    uint32_t high = e4m3x2_from_floats(x[2] / scale, x[3] / scale);
    reinterpret_cast<uint32_t*>(out.codes.row(row) + group * kGroup)[lane] = low | high << 16;
    if (lane == 0) out.scales.row(row)[group] = scale;
}
