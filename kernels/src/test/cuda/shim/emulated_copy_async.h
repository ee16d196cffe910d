// TEST ONLY. What src/main/cuda/copy_async.cuh does with PTX, in plain C++. As late as PTX allows: bytes move when the thread waits for
// their group, so a kernel that reads earlier finds the old bytes.
#pragma once
#define MILLRACE_COPY_ASYNC_CUH
#include <cstring>
#include <deque>
#include <vector>

struct EmulatedCopy {
    void* shared;
    const void* global;
    uint32_t bytes, size;
};
/** One thread's copies: closed groups, oldest first, and the open one. */
struct EmulatedCopies {
    std::deque<std::vector<EmulatedCopy>> groups;
    std::vector<EmulatedCopy> open;
};
inline EmulatedCopies& emulated_copies() {
    static thread_local EmulatedCopies copies[1024];
    return copies[millrace::emulator::current->linear];
}

inline void copy_async_16(void* shared, const void* global, uint32_t bytes) {
    if (bytes > 16 || (uintptr_t)shared % 16 != 0 || (uintptr_t)global % 16 != 0) {
        millrace::emulator::fail("copy_async_16 of more than 16 bytes or not aligned to 16");
    }
    emulated_copies().open.push_back({shared, global, bytes, 16});
}
inline void copy_async_4(void* shared, const void* global, uint32_t bytes) {
    if ((bytes != 0 && bytes != 4) || (uintptr_t)shared % 4 != 0 || (uintptr_t)global % 4 != 0) {
        millrace::emulator::fail("copy_async_4 of neither 0 nor 4 bytes or not aligned to 4");
    }
    emulated_copies().open.push_back({shared, global, bytes, 4});
}
inline void copy_async_commit() {
    EmulatedCopies& copies = emulated_copies();
    copies.groups.push_back(std::move(copies.open));
    copies.open.clear();
}
template <int pending> inline void copy_async_wait() {
    EmulatedCopies& copies = emulated_copies();
    while (copies.groups.size() > (size_t)pending) {
        for (const EmulatedCopy& c : copies.groups.front()) {
            std::memset(c.shared, 0, c.size);
            std::memcpy(c.shared, c.global, c.bytes);
        }
        copies.groups.pop_front();
    }
}
