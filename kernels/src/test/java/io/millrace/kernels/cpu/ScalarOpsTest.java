package io.millrace.kernels.cpu;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Numerics;
import io.millrace.kernels.OpsContract;
import io.millrace.kernels.WeightContract;
import io.millrace.kernels.cpu.simd.ScalarLanes;

class ScalarOpsTest extends OpsContract implements WeightContract {
    @Override
    protected Numerics numerics() {
        return Numerics.CPU;
    }

    @Override
    protected Backend open(int numThreads) {
        return new CpuBackend(numThreads, new ScalarLanes());
    }
}
