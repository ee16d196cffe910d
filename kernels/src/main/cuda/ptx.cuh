// What CUDA C++ has no word for, in PTX for sm_90a. The emulated build of the tests replaces this file (by its guard) with plain C++.
#ifndef MILLRACE_PTX_CUH
#define MILLRACE_PTX_CUH
#include <cstdint>

/** Before a loop over a register array: unrolls it, since registers have no index. */
#define UNROLL _Pragma("unroll")

/** Dynamic shared memory, aligned to 1024 bytes (a swizzled tile). */
#define DYNAMIC_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]

/** A shared address as PTX and wgmma's descriptors hold it. */
__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

/** bf16 bits, to nearest even. */
__device__ __forceinline__ uint16_t bf16_from_float(float x) {
    uint16_t bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
__device__ __forceinline__ float bf16_to_float(uint16_t bits) { return __uint_as_float(static_cast<uint32_t>(bits) << 16); }

/** Two e4m3 codes, to nearest even, saturating at 448, NaN as 0x7f: low byte of the first. */
__device__ __forceinline__ uint16_t e4m3x2_from_floats(float low, float high) {
    uint16_t codes;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(codes) : "f"(high), "f"(low));
    return codes;
}
__device__ __forceinline__ uint8_t e4m3_from_float(float x) { return static_cast<uint8_t>(e4m3x2_from_floats(x, 0.0f)); }

__device__ __forceinline__ void mbarrier_init(uint64_t* at, uint32_t arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(at)), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void mbarrier_arrive(uint64_t* at) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(at)) : "memory");
}
__device__ __forceinline__ void mbarrier_arrive_expect_bytes(uint64_t* at, uint32_t bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(at)), "r"(bytes) : "memory");
}
/** Waits until the phase of that parity is complete. */
__device__ __forceinline__ void mbarrier_wait(uint64_t* at, uint32_t parity) {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@!done bra again;\n"
        "}\n" ::"r"(shared_address(at)),
        "r"(parity)
        : "memory");
}
/** Makes mbarrier_init visible to bulk copies. */
__device__ __forceinline__ void fence_mbarrier_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
/** Makes plain writes to shared memory visible to bulk copies and wgmma. */
__device__ __forceinline__ void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/** Copies bytes (a multiple of 16, both sides aligned to 16) from global to shared memory; the mbarrier counts them. */
__device__ __forceinline__ void bulk_copy_to_shared(void* shared, const void* global, uint32_t bytes, uint64_t* barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                     shared_address(shared)),
                 "l"(global), "r"(bytes), "r"(shared_address(barrier))
                 : "memory");
}

/** bar.sync: the first `threads` arrivals of barrier `id` (1 … 15) wait for each other. */
__device__ __forceinline__ void named_barrier_sync(int id, uint32_t threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
template <int registers> __device__ __forceinline__ void register_increase() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers> __device__ __forceinline__ void register_decrease() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}

/** A load that sees what other devices or blocks released. */
__device__ __forceinline__ uint32_t load_acquire(const uint32_t* at) {
    uint32_t value;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(at) : "memory");
    return value;
}
__device__ __forceinline__ void store_release(uint32_t* at, uint32_t value) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(at), "r"(value) : "memory");
}

/** Between two looks at what another device writes. */
__device__ __forceinline__ void wait_for_peer() { __nanosleep(64); }

/** mma.sync m16n8k16, bf16 in, f32 accumulators; fragments as PTX lays them out. */
__device__ __forceinline__ void mma_bf16_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
