package io.millrace.kernels.cpu;

import io.millrace.kernels.Backend;
import io.millrace.kernels.BackendProvider;

/** Makes {@link CpuBackend}s for {@link io.millrace.kernels.Backends}. */
public final class CpuBackendProvider implements BackendProvider {
    /** Used by the service loader. */
    public CpuBackendProvider() {}

    @Override
    public String name() {
        return CpuBackend.NAME;
    }

    @Override
    public Backend create(int numThreads) {
        return new CpuBackend(numThreads);
    }
}
