// TEST ONLY. The scheduler of emulator.h's blocks. x86-64 Linux.
#include "../shim/fibers.h"
#include <cstdio>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <vector>

extern "C" void millrace_switch(void** save, void* load);
asm(R"(
.text
.globl millrace_switch
.type millrace_switch, @function
millrace_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size millrace_switch, .-millrace_switch
)");

namespace millrace::emulator {

__thread Fiber* current = nullptr;

namespace {

constexpr size_t kStackBytes = 128 << 10;
constexpr size_t kMaxThreads = 1024;
constexpr size_t kMaxParamBytes = 512;
constexpr size_t kMaxShared = 227 << 10;
constexpr unsigned long kDeadRounds = 2'000'000; // rounds without progress before a block is called dead

struct Params { unsigned char bytes[kMaxParamBytes]; };

/** What a host thread keeps for its launches; lives as long as the process. */
struct Machine {
    unsigned char* stacks;
    unsigned char* shared;
    Fiber fibers[kMaxThreads];
    Warp warps[kMaxThreads / 32];
    Block block;
    Params params;
    void* scheduler;
    void* function;
    const char* name;
    bool has_failed;
    unsigned long rounds;
    char message[256];
};

thread_local Machine* machine = nullptr;

unsigned char* map(size_t bytes) {
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) abort();
    return (unsigned char*)at;
}

Machine* the_machine() {
    if (machine == nullptr) {
        machine = new (map(sizeof(Machine))) Machine();
        machine->stacks = map(kStackBytes * kMaxThreads);
        machine->shared = map(kMaxShared + 4096);
    }
    return machine;
}

void release(Barrier& b) {
    b.arrived = 0;
    b.generation++;
    progress();
}

void arrive_and_wait(Barrier& b, unsigned expected) {
    unsigned mine = b.generation;
    if (++b.arrived >= expected) {
        release(b);
        return;
    }
    while (b.generation == mine) yield();
}

/** Threads that ended count as arrived. */
void end(Fiber* f) {
    Block& block = *f->block;
    Warp& w = block.warps[f->linear / 32];
    f->is_done = true;
    block.alive--;
    w.alive &= ~(1u << f->linear % 32);
    if (block.barriers[0].arrived > 0 && block.barriers[0].arrived >= block.alive) release(block.barriers[0]);
    if (w.barriers[0].arrived > 0 && w.barriers[0].arrived >= (unsigned)__builtin_popcount(w.alive)) release(w.barriers[0]);
    progress();
}

void fiber_main() {
    Machine* m = machine;
    ((void (*)(Params))m->function)(m->params);
    end(current);
    void* ignored;
    millrace_switch(&ignored, m->scheduler);
    abort();
}

void prepare(Machine* m, unsigned i) {
    Fiber& f = m->fibers[i];
    const Index& d = m->block.dim;
    f.thread = {i % d.x, i / d.x % d.y, i / d.x / d.y};
    f.linear = i;
    f.is_done = false;
    f.block = &m->block;
    void** top = (void**)(m->stacks + (i + 1) * kStackBytes);
    top[-2] = (void*)fiber_main;
    for (int k = 3; k <= 8; k++) top[-k] = nullptr;
    f.stack_pointer = top - 8;
}

bool run_block(Machine* m, unsigned threads) {
    for (unsigned i = 0; i < threads; i++) prepare(m, i);
    m->rounds = 0;
    bool forwards = false;
    while (m->block.alive > 0) {
        if (++m->rounds > kDeadRounds) {
            snprintf(m->message, sizeof m->message, "kernel %s, block %u %u %u: %u threads wait for ever", m->name,
                     m->block.index.x, m->block.index.y, m->block.index.z, m->block.alive);
            return false;
        }
        forwards = !forwards; // so that no kernel leans on an order of threads
        for (unsigned k = 0; k < threads; k++) {
            unsigned i = forwards ? k : threads - 1 - k;
            if (m->fibers[i].is_done) continue;
            current = &m->fibers[i];
            millrace_switch(&m->scheduler, current->stack_pointer);
            if (m->has_failed) return false;
        }
    }
    return true;
}

void reset_block(Machine* m, unsigned threads, size_t dynamic_bytes) {
    Block& b = m->block;
    b.alive = threads;
    for (Barrier& barrier : b.barriers) barrier = {};
    for (Barrier& barrier : b.groups) barrier = {};
    for (unsigned w = 0; w < (threads + 31) / 32; w++) {
        for (Barrier& barrier : m->warps[w].barriers) barrier = {};
        m->warps[w].alive = threads - w * 32 >= 32 ? 0xffffffffu : (1u << (threads - w * 32)) - 1;
    }
    memset(b.dynamic_shared, 0xff, dynamic_bytes); // reading what nobody wrote gives NaN
}

} // namespace

void yield() { millrace_switch(&current->stack_pointer, machine->scheduler); }

void progress() { machine->rounds = 0; }

void fail(const char* why) {
    Machine* m = machine;
    const Index& b = m->block.index;
    snprintf(m->message, sizeof m->message, "kernel %s, block %u %u %u, thread %u: %s", m->name, b.x, b.y, b.z,
             current->linear, why);
    m->has_failed = true;
    void* ignored;
    millrace_switch(&ignored, m->scheduler);
    abort();
}

void sync_block(int id, unsigned threads) {
    Block& b = *current->block;
    arrive_and_wait(b.barriers[id], threads == 0 ? b.alive : threads);
}

void sync_warpgroup() { arrive_and_wait(current->block->groups[current->linear / 128], 128); }

static unsigned lowest(unsigned mask) { return (unsigned)__builtin_ctz(mask); }

void sync_warp(unsigned mask) {
    unsigned alive = mask & warp().alive;
    arrive_and_wait(warp().barriers[lowest(mask)], (unsigned)__builtin_popcount(alive));
}

int exchange_begin(unsigned mask, uint64_t bits) {
    if ((mask >> lane() & 1) == 0) fail("a lane takes part in a warp operation whose mask leaves it out");
    Warp& w = warp();
    int slot = (int)(w.barriers[lowest(mask)].generation & 1);
    if (w.barriers[lowest(mask)].arrived == 0) w.present[lowest(mask)][slot] = 0;
    w.present[lowest(mask)][slot] |= 1u << lane();
    w.values[lowest(mask)][slot][lane()] = bits;
    sync_warp(mask);
    return slot;
}

uint64_t exchange_read(unsigned mask, int slot, int from) { return warp().values[lowest(mask)][slot][from]; }

unsigned ballot(unsigned mask, bool is_true) {
    int slot = exchange_begin(mask, is_true);
    unsigned bits = 0;
    for (unsigned lanes = warp().present[lowest(mask)][slot], i = 0; i < 32; i++) {
        if ((lanes >> i & 1) != 0 && exchange_read(mask, slot, (int)i) != 0) bits |= 1u << i;
    }
    return bits;
}

const char* run_grid(const char* name, void* function, Index grid, Index block, size_t dynamic_bytes, const void* params,
                     size_t param_bytes) {
    Machine* m = the_machine();
    size_t threads = (size_t)block.x * block.y * block.z;
    if (threads == 0 || threads > kMaxThreads || dynamic_bytes > kMaxShared || param_bytes <= 16
        || param_bytes > kMaxParamBytes) {
        snprintf(m->message, sizeof m->message, "kernel %s: %zu threads, %zu bytes shared, %zu bytes of parameters", name,
                 threads, dynamic_bytes, param_bytes);
        return m->message;
    }
    m->name = name;
    m->function = function;
    m->has_failed = false;
    memcpy(m->params.bytes, params, param_bytes);
    m->block.dim = block;
    m->block.grid = grid;
    m->block.warps = m->warps;
    m->block.dynamic_shared = (unsigned char*)(((uintptr_t)m->shared + 1023) & ~(uintptr_t)1023);
    m->block.dynamic_bytes = dynamic_bytes;
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                m->block.index = {x, y, z};
                reset_block(m, (unsigned)threads, dynamic_bytes);
                if (!run_block(m, (unsigned)threads)) return m->message;
            }
        }
    }
    current = nullptr;
    return nullptr;
}

} // namespace millrace::emulator
