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

/** NVIDIA GPUs through the driver API; one rank for now. Thread: one that opens and closes. */
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
        if (plan.numRanks() != 1 || count[0] < 1) {
            throw new DeviceException("plan " + plan + " needs " + plan.numRanks() + " GPUs, there are " + count[0]
                    + " and the cuda back end opens one rank only: use tp 1 and ep 1, or --backend cpu");
        }
        LOG.warn("cuda back end is experimental: its kernels were tested on an emulated driver only, never on a GPU");
        CudaDevice device = new CudaDevice(0);
        devices.add(device);
        return List.of(new Rank(0, device, new CudaOps(device), CudaCollective.NONE));
    }

    @Override
    public void close() {
        devices.forEach(CudaDevice::close);
        devices.clear();
    }
}
