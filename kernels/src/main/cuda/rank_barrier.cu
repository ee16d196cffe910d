// Waits until every rank of a group has come here. What a rank wrote before is then visible to the kernels behind it on all of them.
// Each rank counts how often it came and tells the others; counts only grow, so nothing has to be reset, and a captured step can be replayed.
// One warp; thread i waits for rank i. Floor: two crossings of the link.
#include "ranks.cuh"

struct RankBarrierParams {
    uint32_t* flags[kMaxRanks]; // of each rank, in its memory: [ranks] u32, how often each rank has come
    uint32_t* turns;            // how often this one has come
    const uint32_t* abandoned;  // host memory: not 0 once a rank won't come
    Fault* fault;
    int ranks;
    int rank;                   // this one's place among them
};
static_assert(sizeof(RankBarrierParams) == 96, "CudaPeers.meet writes 96 bytes");

extern "C" __global__ void __launch_bounds__(32) rank_barrier(const __grid_constant__ RankBarrierParams p) {
    int peer = threadIdx.x;
    uint32_t turn = *p.turns + 1;
    __syncwarp();
    if (peer == 0) *p.turns = turn;
    if (peer >= p.ranks) return;
    __threadfence_system();
    store_release(p.flags[peer] + p.rank, turn);
    while (static_cast<int32_t>(load_acquire(p.flags[p.rank] + peer) - turn) < 0) { // a peer may be one turn ahead
        if (load_acquire(p.abandoned) != 0) {
            report(p.fault, kFaultRankGone, peer, 0, p.ranks);
            return;
        }
        wait_for_peer();
    }
}
