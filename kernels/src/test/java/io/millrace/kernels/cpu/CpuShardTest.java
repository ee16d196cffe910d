package io.millrace.kernels.cpu;

import io.millrace.kernels.Backend;
import io.millrace.kernels.ShardContract;

class CpuShardTest extends ShardContract {
    @Override
    protected Backend open() {
        return new CpuBackend(2);
    }
}
