package io.millrace.kernels.cpu;

import io.millrace.kernels.Backend;
import io.millrace.kernels.OpsContract;
import io.millrace.kernels.WeightContract;
import io.millrace.kernels.cpu.simd.ScalarLanes;

class ScalarOpsTest extends OpsContract implements WeightContract {
    @Override
    protected Backend open(int numThreads) {
        return new CpuBackend(numThreads, new ScalarLanes());
    }
}
