package io.millrace.kernels.cuda;

import io.millrace.kernels.Backend;
import io.millrace.kernels.ShardContract;

/** The contract of cut weights on the emulated driver. */
class CudaShardTest extends ShardContract {
    @Override
    protected Backend open() {
        EmulatedDriver.require();
        return new CudaBackend();
    }
}
