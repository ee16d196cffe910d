// TEST ONLY. Blocks as fibers: what a kernel waits for, and the launch of a grid. Thread: each host thread runs grids of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace::emulator {

struct Index { unsigned x, y, z; };

struct Barrier {
    unsigned arrived = 0;
    unsigned generation = 0;
};

/** What the lanes of a warp exchange: a barrier per lowest lane of a mask; values alternate so that one barrier is enough. */
struct Warp {
    Barrier barriers[32];
    uint64_t values[32][2][32];
    unsigned present[32][2]; // lanes that gave a value in this round: some may have ended before others read
    uint32_t fragments[32][8]; // operands of mma and wgmma that lie in registers
    unsigned alive;            // mask of lanes that haven't ended
};

struct Block {
    Index index, dim, grid;
    unsigned alive; // threads that haven't ended
    Barrier barriers[16];
    unsigned expected[16];
    Barrier groups[8]; // one per warpgroup of 128 threads
    Warp* warps;
    unsigned char* dynamic_shared; // aligned to 1024
    size_t dynamic_bytes;
};

struct Fiber {
    Index thread;
    unsigned linear;
    bool is_done;
    Block* block;
    void* stack_pointer;
};

extern __thread Fiber* current;

/** Lets the other threads of the block run. */
void yield();
/** Tells the scheduler that a wait ended: it calls a block dead when nobody tells for long. */
void progress();
/** Ends the launch as failed, with a message that names kernel, block and thread. */
[[noreturn]] void fail(const char* why);

inline int lane() { return (int)(current->linear % 32); }
inline Warp& warp() { return current->block->warps[current->linear / 32]; }

/** bar.sync id, threads (0: all that are alive). */
void sync_block(int id, unsigned threads);
void sync_warp(unsigned mask);
/** All 128 threads of the calling thread's warpgroup. */
void sync_warpgroup();
unsigned ballot(unsigned mask, bool is_true);
/** Arrives at the barrier of the mask's lowest lane and returns the slot (0, 1) that this round's values lie in. */
int exchange_begin(unsigned mask, uint64_t bits);
uint64_t exchange_read(unsigned mask, int slot, int from);

template <class T> inline T exchange(unsigned mask, T value, int from) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    int slot = exchange_begin(mask, bits);
    bits = exchange_read(mask, slot, from);
    T result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

/**
 * Runs all blocks of a grid, one after the other, on the calling host thread.
 *
 * @param params one struct, copied for every thread
 * @return null, or what went wrong (valid until the thread's next launch)
 */
const char* run_grid(const char* name, void* function, Index grid, Index block, size_t dynamic_bytes, const void* params,
                     size_t param_bytes);

} // namespace millrace::emulator
