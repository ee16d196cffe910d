// wgmma of sm_90a, f32 accumulators, operands in shared memory with the 128-byte swizzle. The emulated build of the tests replaces this
// file (by its guard) with plain C++.
//
// A tile is rows of 128 bytes, k contiguous; piece c (16 bytes) of row r lies at 128 r + ((c ^ r & 7) << 4); its start is a multiple of 1,024.
// Accumulators: thread t of the warpgroup holds d[4 j + {0, 1}] = row r, columns 8 j + 2 (t % 4) + {0, 1}, and d[4 j + {2, 3}] = row r + 8,
// with r = 16 (t / 32) + t % 32 / 4. All 128 threads of a warpgroup call each of these together.
#ifndef MILLRACE_WGMMA_CUH
#define MILLRACE_WGMMA_CUH
#include "ptx.cuh"

/** Orders register and shared accesses before the next wgmma. */
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/** Waits until at most `pending` groups are in flight. */
template <int pending> __device__ __forceinline__ void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

/** After a wait: keeps the compiler from reading d earlier. */
template <int count> __device__ __forceinline__ void wgmma_hold(float (&d)[count]) {
    UNROLL
    for (int i = 0; i < count; i++) asm volatile("" : "+f"(d[i])::"memory");
}

/** A matrix in shared memory with the 128-byte swizzle: start, leading and stride byte offset as PTX defines them. */
__device__ __forceinline__ uint64_t wgmma_descriptor(const void* start, uint32_t leading_bytes, uint32_t stride_bytes) {
    return static_cast<uint64_t>((shared_address(start) & 0x3ffff) >> 4) | static_cast<uint64_t>((leading_bytes & 0x3ffff) >> 4) << 16
           | static_cast<uint64_t>((stride_bytes & 0x3ffff) >> 4) << 32 | 1ull << 62;
}

// clang-format off
#define WGMMA_OUT4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define WGMMA_OUT8(i) WGMMA_OUT4(i), WGMMA_OUT4(i + 4)
#define WGMMA_OUT16(i) WGMMA_OUT8(i), WGMMA_OUT8(i + 8)
#define WGMMA_OUT32(i) WGMMA_OUT16(i), WGMMA_OUT16(i + 16)
#define WGMMA_OUT64(i) WGMMA_OUT32(i), WGMMA_OUT32(i + 32)
#define WGMMA_OUT128(i) WGMMA_OUT64(i), WGMMA_OUT64(i + 64)
#define WGMMA_REGISTERS4 "%0, %1, %2, %3"
#define WGMMA_REGISTERS8 WGMMA_REGISTERS4 ", %4, %5, %6, %7"
#define WGMMA_REGISTERS16 WGMMA_REGISTERS8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define WGMMA_REGISTERS32 WGMMA_REGISTERS16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define WGMMA_REGISTERS64 WGMMA_REGISTERS32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47" \
    ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define WGMMA_REGISTERS128 WGMMA_REGISTERS64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79" \
    ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95" \
    ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111" \
    ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

#define WGMMA(shape, types, count, a_operand, b_operand, keep_operand, tail)                                              \
    asm volatile("{\n.reg .pred keep;\nsetp.ne.b32 keep, %" keep_operand ", 0;\n"                                         \
                 "wgmma.mma_async.sync.aligned." shape ".f32." types " {" WGMMA_REGISTERS##count "}, %" a_operand ", %"     \
                 b_operand ", keep, 1, 1" tail ";\n}\n" : WGMMA_OUT##count(0) : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)))
// clang-format on

/** d[64, N] = (accumulate ? d : 0) + a[64, 32] · b[N, 32]ᵀ, e4m3, both K-major. */
template <int N> __device__ __forceinline__ void wgmma_e4m3(float (&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {
    if constexpr (N == 8) {
        WGMMA("m64n8k32", "e4m3.e4m3", 4, "4", "5", "6", "");
    } else if constexpr (N == 16) {
        WGMMA("m64n16k32", "e4m3.e4m3", 8, "8", "9", "10", "");
    } else if constexpr (N == 32) {
        WGMMA("m64n32k32", "e4m3.e4m3", 16, "16", "17", "18", "");
    } else if constexpr (N == 64) {
        WGMMA("m64n64k32", "e4m3.e4m3", 32, "32", "33", "34", "");
    } else if constexpr (N == 128) {
        WGMMA("m64n128k32", "e4m3.e4m3", 64, "64", "65", "66", "");
    } else {
        static_assert(N == 0, "this N isn't spelled out here: add a line");
    }
}

/** d[64, N] = (accumulate ? d : 0) + a[64, 16] · b[N, 16]ᵀ, bf16; a K-major, b MN-major if transposed. */
template <int N, bool b_transposed>
__device__ __forceinline__ void wgmma_bf16(float (&d)[N / 2], uint64_t a, uint64_t b, bool accumulate) {
    if constexpr (N == 8 && !b_transposed) {
        WGMMA("m64n8k16", "bf16.bf16", 4, "4", "5", "6", ", 0, 0");
    } else if constexpr (N == 16 && !b_transposed) {
        WGMMA("m64n16k16", "bf16.bf16", 8, "8", "9", "10", ", 0, 0");
    } else if constexpr (N == 32 && !b_transposed) {
        WGMMA("m64n32k16", "bf16.bf16", 16, "16", "17", "18", ", 0, 0");
    } else if constexpr (N == 64 && !b_transposed) {
        WGMMA("m64n64k16", "bf16.bf16", 32, "32", "33", "34", ", 0, 0");
    } else if constexpr (N == 64 && b_transposed) {
        WGMMA("m64n64k16", "bf16.bf16", 32, "32", "33", "34", ", 0, 1");
    } else if constexpr (N == 128 && !b_transposed) {
        WGMMA("m64n128k16", "bf16.bf16", 64, "64", "65", "66", ", 0, 0");
    } else if constexpr (N == 256 && b_transposed) {
        WGMMA("m64n256k16", "bf16.bf16", 128, "128", "129", "130", ", 0, 1");
    } else {
        static_assert(N == 0, "this N isn't spelled out here: add a line");
    }
}

#undef WGMMA
#endif
