// TEST ONLY. What src/main/cuda/wgmma.cuh does with PTX, in plain C++; defining its guard keeps the real one out.
// All four warps of a warpgroup must call. A product is complete when the call returns; sums are in f32, in order of k (a GPU's
// e4m3 tensor core keeps fewer bits).
#pragma once
#define MILLRACE_WGMMA_CUH
#include <cstdint>

/** Orders register and shared accesses before the next wgmma. */
inline void wgmma_fence() {}
inline void wgmma_commit() {}
/** Waits until at most `pending` groups are in flight. */
template <int pending> inline void wgmma_wait() {}

/** After a wait: keeps a compiler from reading d earlier. */
template <int count> inline void wgmma_hold(float (&)[count]) {}

/** A matrix in shared memory with the 128-byte swizzle: start, leading and stride byte offset as PTX defines them. */
inline uint64_t wgmma_descriptor(const void* start, uint32_t leading_bytes, uint32_t stride_bytes) {
    return ((uint64_t)(shared_address(start) & 0x3ffff) >> 4) | (uint64_t)((leading_bytes & 0x3ffff) >> 4) << 16
           | (uint64_t)((stride_bytes & 0x3ffff) >> 4) << 32 | 1ull << 62;
}

/** Reads bytes of a matrix: `row` and `byte` in the row of 128 bytes that is swizzled. */
inline const unsigned char* wgmma_byte(uint64_t descriptor, uint32_t offset) {
    uint32_t address = ((uint32_t)(descriptor & 0x3fff) << 4) + offset;
    address ^= (address >> 7 & 7) << 4;
    uint32_t at = address - 1024;
    if (at >= millrace::emulator::current->block->dynamic_bytes) {
        millrace::emulator::fail("wgmma reads beyond dynamic shared memory");
    }
    return millrace::emulator::current->block->dynamic_shared + at;
}
inline uint32_t wgmma_leading(uint64_t descriptor) { return (uint32_t)(descriptor >> 16 & 0x3fff) << 4; }
inline uint32_t wgmma_stride(uint64_t descriptor) { return (uint32_t)(descriptor >> 32 & 0x3fff) << 4; }

/** K-major: 8 rows of 128 bytes are one swizzled group; groups are `stride` apart. */
inline float wgmma_e4m3_at(uint64_t descriptor, int row, int k) {
    struct Table {
        float values[256];
        Table() {
            for (int i = 0; i < 256; i++) values[i] = e4m3_to_float((uint8_t)i);
        }
    };
    static const Table table;
    return table.values[*wgmma_byte(descriptor, row / 8 * wgmma_stride(descriptor) + row % 8 * 128 + k)];
}
inline float wgmma_bf16_at(uint64_t descriptor, int row, int k) {
    uint16_t bits;
    std::memcpy(&bits, wgmma_byte(descriptor, row / 8 * wgmma_stride(descriptor) + row % 8 * 128 + 2 * k), 2);
    return bf16_to_float(bits);
}
/** MN-major ("transposed"): 8 k of 64 values are one swizzled group; `leading` apart in n, `stride` apart in k. */
inline float wgmma_bf16_at_transposed(uint64_t descriptor, int n, int k) {
    uint16_t bits;
    uint32_t offset = n / 64 * wgmma_leading(descriptor) + k / 8 * wgmma_stride(descriptor) + k % 8 * 128 + n % 64 * 2;
    std::memcpy(&bits, wgmma_byte(descriptor, offset), 2);
    return bf16_to_float(bits);
}

/** Accumulator i of this thread: row of 64 and column of N, as PTX lays them out. */
inline int wgmma_row(int i) {
    int t = (int)(millrace::emulator::current->linear % 128);
    return t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8;
}
inline int wgmma_col(int i) { return i / 4 * 8 + (int)(millrace::emulator::current->linear % 4) * 2 + i % 2; }

/** Operands of one wgmma as f32, decoded once for all threads of a warpgroup. */
struct EmulatedOperands { float a[64][32], b[256][32]; };
inline EmulatedOperands& wgmma_operands() {
    static thread_local EmulatedOperands operands[8];
    return operands[millrace::emulator::current->linear / 128];
}

template <int k_count, int count, class A, class B> inline void wgmma_sum(float (&d)[count], bool accumulate, A a, B b) {
    EmulatedOperands& o = wgmma_operands();
    millrace::emulator::sync_warpgroup();
    int t = (int)(millrace::emulator::current->linear % 128);
    for (int row = t / 32 * 16; t % 32 == 0 && row < t / 32 * 16 + 16; row++) { // a warp's own rows: registers of others are out of reach
        for (int k = 0; k < k_count; k++) o.a[row][k] = a(row, k);
    }
    for (int n = t; n < 2 * count; n += 128) {
        for (int k = 0; k < k_count; k++) o.b[n][k] = b(n, k);
    }
    millrace::emulator::sync_warpgroup();
    for (int i = 0; i < count; i++) {
        const float* left = o.a[wgmma_row(i)];
        const float* right = o.b[wgmma_col(i)];
        float sum = accumulate ? d[i] : 0.0f;
        for (int k = 0; k < k_count; k++) sum += left[k] * right[k];
        d[i] = sum;
    }
    millrace::emulator::sync_warpgroup();
}

/** d[64, N] = (accumulate ? d : 0) + a[64, 32] · b[N, 32]ᵀ, e4m3, both K-major in shared memory. N = 2 · count. */
template <int N> inline void wgmma_e4m3(float (&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {
    wgmma_sum<32>(d, accumulate, [&](int row, int k) { return wgmma_e4m3_at(a, row, k); },
                  [&](int n, int k) { return wgmma_e4m3_at(b, n, k); });
}

/** d[64, N] = (accumulate ? d : 0) + a[64, 16] · b[N, 16]ᵀ, bf16; b MN-major if transposed. */
template <int N, bool b_transposed> inline void wgmma_bf16(float (&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {
    wgmma_sum<16>(d, accumulate, [&](int row, int k) { return wgmma_bf16_at(a, row, k); }, [&](int n, int k) {
        return b_transposed ? wgmma_bf16_at_transposed(b, n, k) : wgmma_bf16_at(b, n, k);
    });
}

/** The same with a[64, 16] in registers: as mma.sync's A of m16n8k16 per warp. */
template <int N, bool b_transposed>
inline void wgmma_bf16_registers(float (&d)[N / 2], const uint32_t (&a)[4], uint64_t b, bool accumulate) {
    std::memcpy(millrace::emulator::warp().fragments[millrace::emulator::lane()], a, 16);
    millrace::emulator::Warp& w = millrace::emulator::warp();
    wgmma_sum<16>(
        d, accumulate,
        [&](int row, int k) {
            int r = row % 16; // rows of this thread's own warp only
            uint32_t word = w.fragments[r % 8 * 4 + k % 8 / 2][r / 8 + k / 8 * 2];
            return bf16_to_float((uint16_t)(word >> 16 * (k % 2)));
        },
        [&](int n, int k) { return b_transposed ? wgmma_bf16_at_transposed(b, n, k) : wgmma_bf16_at(b, n, k); });
}
