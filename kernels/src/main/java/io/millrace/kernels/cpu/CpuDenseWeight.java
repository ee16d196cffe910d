package io.millrace.kernels.cpu;

import io.millrace.kernels.DenseWeight;

/** Packed bf16 or f32 matrices, one per head. Immutable; any thread. */
final class CpuDenseWeight implements DenseWeight {
    private final String name;
    private final PackedMatrix[] heads;

    CpuDenseWeight(String name, PackedMatrix... heads) {
        this.name = name;
        this.heads = heads;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int numHeads() {
        return heads.length;
    }

    @Override
    public int rows() {
        return heads[0].rows;
    }

    @Override
    public int cols() {
        return heads[0].cols;
    }

    PackedMatrix[] matrices() {
        return heads;
    }

    @Override
    public String toString() {
        return name + " [" + heads.length + ", " + rows() + ", " + cols() + "] " + heads[0].format;
    }
}
