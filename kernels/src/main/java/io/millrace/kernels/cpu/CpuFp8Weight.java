package io.millrace.kernels.cpu;

import io.millrace.kernels.Fp8Weight;

/** Packed e4m3 matrices, one per expert. Immutable; any thread. */
final class CpuFp8Weight implements Fp8Weight {
    private final String name;
    private final PackedMatrix[] experts;

    CpuFp8Weight(String name, PackedMatrix[] experts) {
        this.name = name;
        this.experts = experts;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int numExperts() {
        return experts.length;
    }

    @Override
    public int rows() {
        return experts[0].rows;
    }

    @Override
    public int cols() {
        return experts[0].cols;
    }

    PackedMatrix[] matrices() {
        return experts;
    }

    @Override
    public String toString() {
        return name + " [" + experts.length + ", " + rows() + ", " + cols() + "] E4M3";
    }
}
