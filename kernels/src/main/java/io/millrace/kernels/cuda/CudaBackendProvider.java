package io.millrace.kernels.cuda;

import io.millrace.kernels.Backend;
import io.millrace.kernels.BackendProvider;

/** Makes {@link CudaBackend}s for {@link io.millrace.kernels.Backends}. */
public final class CudaBackendProvider implements BackendProvider {
    /** Used by the service loader. */
    public CudaBackendProvider() {}

    @Override
    public String name() {
        return CudaBackend.NAME;
    }

    @Override
    public Backend create(int numThreads) {
        return new CudaBackend();
    }
}
