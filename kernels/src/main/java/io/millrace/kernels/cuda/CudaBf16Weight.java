package io.millrace.kernels.cuda;

import io.millrace.kernels.LinearWeight;

/** bf16 matrices of linear layers, one per expert. Immutable; any thread. */
record CudaBf16Weight(TiledWeight tiled) implements LinearWeight {
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
