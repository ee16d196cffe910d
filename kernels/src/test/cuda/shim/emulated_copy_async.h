// TEST ONLY. What src/main/cuda/copy_async.cuh does with PTX, in plain C++: a copy is done when the call returns.
#pragma once
#define MILLRACE_COPY_ASYNC_CUH
#include <cstring>

inline void copy_async_16(void* shared, const void* global, uint32_t bytes) {
    if (bytes > 16 || (uintptr_t)shared % 16 != 0 || (uintptr_t)global % 16 != 0) {
        millrace::emulator::fail("copy_async_16 of more than 16 bytes or not aligned to 16");
    }
    std::memset(shared, 0, 16);
    std::memcpy(shared, global, bytes);
}
inline void copy_async_4(void* shared, const void* global, uint32_t bytes) {
    if ((bytes != 0 && bytes != 4) || (uintptr_t)shared % 4 != 0 || (uintptr_t)global % 4 != 0) {
        millrace::emulator::fail("copy_async_4 of neither 0 nor 4 bytes or not aligned to 4");
    }
    std::memset(shared, 0, 4);
    std::memcpy(shared, global, bytes);
}
inline void copy_async_commit() {}
template <int pending> inline void copy_async_wait() {}
