package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.RankMeeting;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One rank's view of a group of ranks: where its streams meet, and where the others' tensors lie. Every rank calls the same methods in
 * the same order. Thread: the rank's.
 */
final class CudaPeers {
    /** Devices that a kernel can address: kMaxRanks. */
    static final int MAX_RANKS = 8;

    private static final int BARRIER_THREADS = 32;

    private final int place;
    private final Shared shared;
    private final long turns;
    private final long abandoned;
    private final long fault;
    private final LaunchBlock barrier;
    private final Map<Long, long[]> known = new HashMap<>();

    /** What the ranks of a group share on the host: their flags, and the addresses that they tell each other. */
    private static final class Shared {
        final RankMeeting meeting;
        final long[] flags;
        final long[] told;

        Shared(int ranks) {
            meeting = new RankMeeting(ranks);
            flags = new long[ranks];
            told = new long[ranks];
        }
    }

    private CudaPeers(int place, Shared shared, CudaDevice device) {
        this.place = place;
        this.shared = shared;
        turns = device.allocateNamed("turns of a rank", DType.I32, 1).pointer();
        abandoned = device.abandonedAddress();
        fault = device.faultAddress();
        barrier = device.image().kernel("rank_barrier");
    }

    /** Makes the views of a group of devices that reach each other, in rank order. */
    static List<CudaPeers> of(List<CudaDevice> devices) {
        Shared shared = new Shared(devices.size());
        List<CudaPeers> peers = new ArrayList<>();
        for (CudaDevice device : devices) {
            int place = peers.size();
            shared.flags[place] = device.allocateNamed("flags of a group", DType.I32, devices.size())
                    .pointer();
            peers.add(new CudaPeers(place, shared, device));
        }
        return peers;
    }

    int numRanks() {
        return shared.flags.length;
    }

    /** Returns this rank's place in the group. */
    int place() {
        return place;
    }

    /** Queues a wait for all ranks: what they queued before is visible to what this one queues behind. */
    void meet() {
        barrier.begin();
        for (int r = 0; r < MAX_RANKS; r++) {
            barrier.i64(r < numRanks() ? shared.flags[r] : 0);
        }
        barrier.i64(turns).i64(abandoned).i64(fault).i32(numRanks()).i32(place);
        barrier.launch(1, 1, BARRIER_THREADS);
    }

    /**
     * Returns where each rank's counterpart of a tensor lies. The first call with a tensor waits on the host until all ranks have come;
     * so run a step once before capturing it.
     */
    long[] addresses(CudaTensor mine) {
        long[] all = known.get(mine.pointer());
        if (all == null) {
            shared.told[place] = mine.pointer();
            shared.meeting.await("exchange of addresses");
            all = shared.told.clone();
            shared.meeting.await("exchange of addresses"); // nobody tells the next one before all have read
            known.put(mine.pointer(), all);
        }
        return all;
    }

    void abandon() {
        shared.meeting.abandon();
    }
}
