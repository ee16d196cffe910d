package io.millrace.kernels.cpu;

import io.millrace.kernels.Backend;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.cpu.simd.LaneChoice;
import io.millrace.kernels.cpu.simd.Lanes;
import java.util.ArrayList;
import java.util.List;

/**
 * Ranks on the host's cores. Several ranks share the threads evenly; with one thread each they still run side by side, because
 * every rank's own thread works too. Thread: one that opens and closes.
 */
public final class CpuBackend implements Backend {
    /** The name that options use. */
    static final String NAME = "cpu";

    private final int numThreads;
    private final Lanes lanes;
    private final List<WorkerPool> pools = new ArrayList<>();
    private final List<CpuCollective> collectives = new ArrayList<>();
    private boolean isClosed;

    /** Makes a back end of {@code numThreads} ≥ 1 threads in all, with this JVM's widest lanes. */
    public CpuBackend(int numThreads) {
        this(numThreads, LaneChoice.choose());
    }

    CpuBackend(int numThreads, Lanes lanes) {
        if (numThreads < 1) {
            throw new IllegalArgumentException("cpu back end with " + numThreads + " threads: it needs at least 1");
        }
        this.numThreads = numThreads;
        this.lanes = lanes;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Rank> open(ParallelPlan plan) {
        if (isClosed) {
            throw new DeviceException("cpu back end is closed: make a new one");
        }
        int numRanks = plan.numRanks();
        int threadsPerRank = Math.max(1, numThreads / numRanks);
        List<CpuCollective> group = CpuCollective.of(plan);
        collectives.addAll(group);
        List<Rank> ranks = new ArrayList<>();
        for (int i = 0; i < numRanks; i++) {
            WorkerPool pool = new WorkerPool(threadsPerRank, pools.size() * (threadsPerRank - 1));
            pools.add(pool);
            CpuDevice device = new CpuDevice(lanes, threadsPerRank);
            ranks.add(new Rank(i, device, new CpuOps(lanes, pool), group.get(i)));
        }
        return List.copyOf(ranks);
    }

    @Override
    public void close() {
        isClosed = true;
        collectives.forEach(CpuCollective::abandon);
        pools.forEach(WorkerPool::close);
        lanes.close();
        collectives.clear();
        pools.clear();
    }
}
