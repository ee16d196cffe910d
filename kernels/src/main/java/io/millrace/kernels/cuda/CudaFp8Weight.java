package io.millrace.kernels.cuda;

import io.millrace.kernels.Fp8Weight;

/** Block-scaled e4m3 matrices, one per expert. Immutable; any thread. */
record CudaFp8Weight(TiledWeight tiled) implements Fp8Weight {
    @Override
    public String name() {
        return tiled.name();
    }

    @Override
    public int numExperts() {
        return tiled.numGroups();
    }

    @Override
    public int rows() {
        return tiled.rows();
    }

    @Override
    public int cols() {
        return tiled.cols();
    }

    @Override
    public String toString() {
        return tiled.toString();
    }
}
