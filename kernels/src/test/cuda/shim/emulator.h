// TEST ONLY. The language of a CUDA kernel on a host, so that g++ compiles the very sources which nvcc compiles:
//     g++ -std=c++17 -O2 -fPIC -ffp-contract=off -include emulator.h -x c++ kernel.cu
// A block's threads are fibers on one host thread: one runs until it waits (__syncthreads, a shuffle, an mbarrier, wgmma) or ends.
// So results say whether the kernel computes the right thing; they say nothing about speed, races or a GPU's rounding of wgmma.
// A kernel takes exactly one struct by value, larger than 16 bytes (the x86-64 ABI then passes it in memory).
#pragma once
#include "fibers.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#define MILLRACE_EMULATED 1
#define __global__ __attribute__((used, visibility("default")))
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __constant__ static const
#define __shared__ static thread_local // one block at a time runs on a host thread
#define __ldg(p) (*(p))

#define threadIdx (millrace::emulator::current->thread)
#define blockIdx (millrace::emulator::current->block->index)
#define blockDim (millrace::emulator::current->block->dim)
#define gridDim (millrace::emulator::current->block->grid)
static constexpr int warpSize = 32;

using std::isinf;
using std::isnan;
using std::max;
using std::min;

struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) int2 { int x, y; };
struct __align__(16) int4 { int x, y, z, w; };
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class To, class From> inline To millrace_bits(From value) {
    static_assert(sizeof(To) == sizeof(From), "both have the same size");
    To to;
    std::memcpy(&to, &value, sizeof to);
    return to;
}
inline unsigned __float_as_uint(float x) { return millrace_bits<unsigned>(x); }
inline int __float_as_int(float x) { return millrace_bits<int>(x); }
inline float __uint_as_float(unsigned x) { return millrace_bits<float>(x); }
inline float __int_as_float(int x) { return millrace_bits<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

inline void __syncthreads() { millrace::emulator::sync_block(0, 0); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __nanosleep(unsigned) { millrace::emulator::yield(); }
[[noreturn]] inline void __trap() { millrace::emulator::fail("__trap"); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { millrace::emulator::sync_warp(mask); }

template <class T> inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
    int self = millrace::emulator::lane();
    return millrace::emulator::exchange(mask, value, (self & ~(width - 1)) | (lane & (width - 1)));
}
template <class T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
    int self = millrace::emulator::lane();
    int from = self ^ bits;
    return millrace::emulator::exchange(mask, value, from / width == self / width ? from : self);
}
template <class T> inline T __shfl_down_sync(unsigned mask, T value, int by, int width = 32) {
    int self = millrace::emulator::lane();
    return millrace::emulator::exchange(mask, value, (self & (width - 1)) + by < width ? self + by : self);
}
template <class T> inline T __shfl_up_sync(unsigned mask, T value, int by, int width = 32) {
    int self = millrace::emulator::lane();
    return millrace::emulator::exchange(mask, value, (self & (width - 1)) >= by ? self - by : self);
}
inline unsigned __ballot_sync(unsigned mask, int is_true) { return millrace::emulator::ballot(mask, is_true != 0); }
inline int __any_sync(unsigned mask, int is_true) { return __ballot_sync(mask, is_true) != 0; }
inline int __all_sync(unsigned mask, int is_true) { return __ballot_sync(mask, !is_true) == 0; }

template <class T> inline T atomicAdd(T* at, T value) {
    if constexpr (std::is_same<T, float>::value || std::is_same<T, double>::value) {
        T old = *at; // one host thread per device; peers never add to the same cell
        *at = old + value;
        return old;
    } else {
        return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
    }
}
template <class T> inline T atomicExch(T* at, T value) { return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST); }
template <class T> inline T atomicCAS(T* at, T expected, T value) {
    __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}
template <class T> inline T atomicMax(T* at, T value) {
    T old = *at;
    while (old < value) {
        T seen = atomicCAS(at, old, value);
        if (seen == old) break;
        old = seen;
    }
    return old;
}
template <class T> inline T atomicMin(T* at, T value) {
    T old = *at;
    while (value < old) {
        T seen = atomicCAS(at, old, value);
        if (seen == old) break;
        old = seen;
    }
    return old;
}

#include "emulated_ptx.h"
#include "emulated_wgmma.h"
#include "emulated_copy_async.h"
