// What the kernels share: views, sums over a block in a fixed order, and how a kernel reports a value that the host couldn't check.
#pragma once
#include "ptx.cuh"
#include <cstdint>

/** A tensor's view: row r starts at `at + r · ld` (elements). LaunchBlock.tensor writes it. */
template <class T> struct Rows {
    T* at;
    int64_t ld;
    __device__ T* row(int64_t r) const { return at + r * ld; }
};

/** One per device, zeroed; the host reads it with every result. The first report stays. */
struct Fault {
    unsigned check; // 0: none, else one of FaultCheck
    int row;
    int value;
    int limit; // the value must be in 0 … limit − 1
};

/** Same order as CudaFault.CHECKS. */
enum FaultCheck {
    kFaultNone,
    kFaultEmbedId,
    kFaultGatherRow,
    kFaultRopePosition,
    kFaultRopeSlot,
    kFaultCombineRow,
    kFaultPageToRead,
    kFaultPageToWrite,
    kFaultSampledId,
    kFaultRankGone,
    kFaultCollectRow,
};

__device__ inline void report(Fault* fault, FaultCheck check, int row, int value, int64_t limit) {
    if (atomicCAS(&fault->check, 0u, static_cast<unsigned>(check)) != 0u) return;
    fault->row = row;
    fault->value = value;
    fault->limit = static_cast<int>(limit);
}

/** Whether value is in 0 … limit − 1; if it isn't, reports it. */
__device__ inline bool in_range(Fault* fault, FaultCheck check, int row, int value, int64_t limit) {
    if (value >= 0 && value < limit) return true;
    report(fault, check, row, value, limit);
    return false;
}

constexpr unsigned kAllLanes = 0xffffffffu;

/** Sum over the warp by halves: the same tree, hence the same bits, whatever the batch. Every lane gets it. */
template <class T> __device__ inline T warp_sum(T x) {
    for (int bits = 16; bits > 0; bits /= 2) x += __shfl_xor_sync(kAllLanes, x, bits);
    return x;
}
__device__ inline float warp_max(float x) {
    for (int bits = 16; bits > 0; bits /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, bits));
    return x;
}

/** Sum over the block: a tree per warp, then the warps in order. Every thread gets it. partial [32] shared. */
template <class T> __device__ inline T block_sum(T x, T* partial) {
    x = warp_sum(x);
    __syncthreads(); // partial may still be read from before
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = x;
    __syncthreads();
    T sum = partial[0];
    for (unsigned w = 1; w < blockDim.x / 32; w++) sum += partial[w];
    return sum;
}
__device__ inline float block_max(float x, float* partial) {
    x = warp_max(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = x;
    __syncthreads();
    float largest = partial[0];
    for (unsigned w = 1; w < blockDim.x / 32; w++) largest = fmaxf(largest, partial[w]);
    return largest;
}
