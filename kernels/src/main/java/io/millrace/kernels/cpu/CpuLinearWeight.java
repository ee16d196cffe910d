package io.millrace.kernels.cpu;

import io.millrace.kernels.LinearWeight;

/** Packed matrices of linear layers, one per expert, for activations that hold 2⁶⁰. Immutable; any thread. */
class CpuLinearWeight implements LinearWeight {
    private final String name;
    private final PackedMatrix[] experts;

    CpuLinearWeight(String name, PackedMatrix[] experts) {
        this.name = name;
        this.experts = experts;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int numExperts() {
        return experts.length;
    }

    @Override
    public final int rows() {
        return experts[0].rows;
    }

    @Override
    public final int cols() {
        return experts[0].cols;
    }

    final PackedMatrix[] matrices() {
        return experts;
    }

    @Override
    public final String toString() {
        return name + " [" + experts.length + ", " + rows() + ", " + cols() + "] " + experts[0].format;
    }
}
