// TEST ONLY. What src/main/cuda/ptx.cuh does with PTX, in plain C++; defining its guard keeps the real one out.
#pragma once
#define MILLRACE_PTX_CUH
#include <cstdint>
#include <unistd.h>

/** Before a loop: nothing to unroll, a host's arrays have an index. */
#define UNROLL

/** Dynamic shared memory, aligned to 1024 bytes. */
#define DYNAMIC_SHARED(name) unsigned char* name = millrace::emulator::current->block->dynamic_shared

/** A shared address as wgmma's descriptors hold it: of dynamic shared memory only. */
inline uint32_t shared_address(const void* pointer) {
    ptrdiff_t offset = (const unsigned char*)pointer - millrace::emulator::current->block->dynamic_shared;
    if (offset < 0 || (size_t)offset > millrace::emulator::current->block->dynamic_bytes) {
        millrace::emulator::fail("shared_address of something that isn't dynamic shared memory");
    }
    return (uint32_t)offset + 1024;
}

/** bf16 bits, to nearest even; a NaN stays quiet. */
inline uint16_t bf16_from_float(float x) {
    uint32_t bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
inline float bf16_to_float(uint16_t bits) { return __uint_as_float((uint32_t)bits << 16); }

/** e4m3 code, to nearest even, saturating at 448; a NaN is 0x7f. */
inline uint8_t e4m3_from_float(float x) {
    if (x != x) return 0x7f;
    uint32_t sign = __float_as_uint(x) >> 24 & 0x80;
    float size = std::fabs(x);
    if (size >= 448.0f) return (uint8_t)(sign | 0x7e);
    int exponent = size < 0.015625f ? -6 : std::ilogb(size);
    float steps = std::nearbyint(std::ldexp(size, 3 - exponent)); // exact up to the rounding; 16 carries into the exponent
    int code = size < 0.015625f ? (int)steps : ((exponent + 7) << 3) + (int)steps - 8;
    return (uint8_t)(sign | (code > 0x7e ? 0x7e : code));
}
inline float e4m3_to_float(uint8_t code) {
    int exponent = code >> 3 & 15, mantissa = code & 7;
    if ((code & 0x7f) == 0x7f) return __uint_as_float(0x7fc00000u);
    float size = exponent == 0 ? std::ldexp((float)mantissa, -9) : std::ldexp((float)(8 + mantissa), exponent - 10);
    return code & 0x80 ? -size : size;
}
/** Two codes: low byte of the first. */
inline uint16_t e4m3x2_from_floats(float low, float high) {
    return (uint16_t)(e4m3_from_float(low) | e4m3_from_float(high) << 8);
}

/** An mbarrier in 8 bytes of shared memory. */
struct EmulatedMbarrier {
    int32_t pending_bytes;
    uint32_t pending : 15, count : 15, phase : 1;
};
static_assert(sizeof(EmulatedMbarrier) == 8, "an mbarrier is 8 bytes");
inline EmulatedMbarrier* mbarrier_of(uint64_t* at) { return reinterpret_cast<EmulatedMbarrier*>(at); }
inline void mbarrier_turn(EmulatedMbarrier* b) {
    if (b->pending == 0 && b->pending_bytes == 0) {
        b->phase ^= 1;
        b->pending = b->count;
        millrace::emulator::progress();
    }
}
inline void mbarrier_init(uint64_t* at, uint32_t arrivals) {
    EmulatedMbarrier* b = mbarrier_of(at);
    b->pending_bytes = 0;
    b->pending = b->count = arrivals;
    b->phase = 0;
}
inline void mbarrier_arrive(uint64_t* at) {
    EmulatedMbarrier* b = mbarrier_of(at);
    if (b->pending == 0) millrace::emulator::fail("more arrivals at an mbarrier than it was made for");
    b->pending--;
    mbarrier_turn(b);
}
inline void mbarrier_arrive_expect_bytes(uint64_t* at, uint32_t bytes) {
    mbarrier_of(at)->pending_bytes += (int32_t)bytes;
    mbarrier_arrive(at);
}
/** Waits until the phase of that parity is complete. */
inline void mbarrier_wait(uint64_t* at, uint32_t parity) {
    while (mbarrier_of(at)->phase == parity) millrace::emulator::yield();
    millrace::emulator::progress();
}
/** Makes mbarrier_init visible to bulk copies. */
inline void fence_mbarrier_init() {}
/** Makes plain writes to shared memory visible to bulk copies and wgmma. */
inline void fence_proxy_async() {}

/** Copies bytes (a multiple of 16, both sides aligned to 16) from global to shared memory; the mbarrier counts them. */
inline void bulk_copy_to_shared(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
    if (bytes % 16 != 0 || (uintptr_t)shared % 16 != 0 || (uintptr_t)global % 16 != 0) {
        millrace::emulator::fail("bulk copy isn't aligned to 16 bytes");
    }
    std::memcpy(shared, global, bytes);
    mbarrier_of(barrier)->pending_bytes -= (int32_t)bytes;
    mbarrier_turn(mbarrier_of(barrier));
}

/** bar.sync: the first `threads` arrivals of barrier `id` (1 … 15) wait for each other. */
inline void named_barrier_sync(int id, uint32_t threads) { millrace::emulator::sync_block(id, threads); }
template <int registers> inline void register_increase() {}
template <int registers> inline void register_decrease() {}

/** A load that sees what other devices or blocks released. */
inline uint32_t load_acquire(const uint32_t* at) {
    millrace::emulator::yield();
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}
inline void store_release(uint32_t* at, uint32_t value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }

/** Between two looks at what another device writes: other host threads run, and the wait is as long as it takes. */
inline void wait_for_peer() {
    millrace::emulator::progress();
    usleep(20);
}

/** mma.sync m16n8k16, bf16 in, f32 accumulators; fragments as PTX lays them out. */
inline void mma_bf16_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    millrace::emulator::Warp& w = millrace::emulator::warp();
    int self = millrace::emulator::lane();
    std::memcpy(w.fragments[self], a, 16);
    std::memcpy(w.fragments[self] + 4, b, 8);
    __syncwarp();
    auto half = [&](int lane, int word, int odd) { return bf16_to_float((uint16_t)(w.fragments[lane][word] >> 16 * odd)); };
    for (int i = 0; i < 4; i++) {
        int row = self / 4 + i / 2 * 8, col = self % 4 * 2 + i % 2;
        float sum = 0;
        for (int k = 0; k < 16; k++) {
            float x = half(row % 8 * 4 + k % 8 / 2, row / 8 + k / 8 * 2, k % 2);
            float y = half(col * 4 + k % 8 / 2, 4 + k / 8, k % 2);
            sum += x * y;
        }
        d[i] += sum;
    }
    __syncwarp();
}
