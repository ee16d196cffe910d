package io.millrace.kernels.cuda;

import io.millrace.kernels.Backend;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** NVIDIA GPUs through the driver API, one rank each. Thread: one that opens and closes. */
public final class CudaBackend implements Backend {
    /** The name that options use. */
    static final String NAME = "cuda";

    private static final Logger LOG = LoggerFactory.getLogger(CudaBackend.class);

    private final List<CudaDevice> devices = new ArrayList<>();

    /** Makes a back end; nothing is loaded before {@link #open}. */
    public CudaBackend() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<Rank> open(ParallelPlan plan) {
        Cu.load();
        int[] count = {0};
        Cu.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
        int numRanks = plan.numRanks();
        if (numRanks > Math.min(count[0], CudaPeers.MAX_RANKS)) {
            throw new DeviceException("plan " + plan + " needs " + numRanks + " GPUs, there are " + count[0]
                    + " and the cuda back end joins at most " + CudaPeers.MAX_RANKS
                    + ": lower tp and ep, or use --backend cpu");
        }
        LOG.warn("cuda back end is experimental: its kernels were tested on an emulated driver only, never on a GPU");
        List<CudaDevice> opened = new ArrayList<>();
        for (int i = 0; i < numRanks; i++) {
            CudaDevice device = new CudaDevice(i);
            opened.add(device);
            devices.add(device);
        }
        for (CudaDevice device : opened) {
            opened.stream().filter(peer -> peer != device).forEach(device::reach);
        }
        List<CudaCollective> collectives = CudaCollective.of(plan, opened);
        List<Rank> ranks = new ArrayList<>();
        for (int i = 0; i < numRanks; i++) {
            ranks.add(new Rank(i, opened.get(i), new CudaOps(opened.get(i)), collectives.get(i)));
        }
        return ranks;
    }

    @Override
    public void close() {
        devices.forEach(CudaDevice::abandon);
        devices.forEach(CudaDevice::drain); // before any frees memory that another's kernels read
        devices.forEach(CudaDevice::close);
        devices.clear();
    }
}
