// cp.async: copies of 16 or 4 bytes that a thread starts and later waits for. Rows that lie anywhere (activations, routed rows, KV pages) get
// into a swizzled tile this way; bulk copies can't swizzle without a tensor map. The emulated build replaces this file by its guard.
#ifndef MILLRACE_COPY_ASYNC_CUH
#define MILLRACE_COPY_ASYNC_CUH
#include "ptx.cuh"

/** Copies `bytes` (0 … 16) bytes and zeroes the rest of the 16; both sides are aligned to 16. */
__device__ __forceinline__ void copy_async_16(void* shared, const void* global, uint32_t bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes) : "memory");
}
/** Copies 4 bytes, or writes a zero if `bytes` is 0. */
__device__ __forceinline__ void copy_async_4(void* shared, const void* global, uint32_t bytes) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes) : "memory");
}
/** Closes this thread's group of copies. */
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Waits until at most `pending` of this thread's groups are in flight. */
template <int pending> __device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#endif
