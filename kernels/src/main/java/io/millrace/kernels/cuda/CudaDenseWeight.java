package io.millrace.kernels.cuda;

import io.millrace.kernels.DenseWeight;

/** bf16 matrices, one per head. Immutable; any thread. */
record CudaDenseWeight(TiledWeight tiled) implements DenseWeight {
    @Override
    public String name() {
        return tiled.name();
    }

    @Override
    public int numHeads() {
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
