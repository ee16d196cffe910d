package io.millrace.kernels.cpu;

import io.millrace.kernels.LinearWeight;

/** Packed matrices of linear layers, one per expert, for activations that hold 2⁶⁰. Immutable; any thread. */
class CpuLinearWeight implements LinearWeight {
    private final String name;
    private final PackedMatrix[] experts;
    private final int skewCols;

    /** Makes one of matrices with {@code skewCols} columns of zeros before the weight's. */
    CpuLinearWeight(String name, PackedMatrix[] experts, int skewCols) {
        this.name = name;
        this.experts = experts;
        this.skewCols = skewCols;
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
        return experts[0].cols - skewCols;
    }

    /** Checks that activations have this weight's columns, behind as many zeros. */
    final void checkColumns(String op, CpuActivations x) {
        Shapes.equal(op, this, "columns of x", x.cols(), cols());
        Shapes.equal(op, this, "zeros before x", x.skewCols(), skewCols);
    }

    final PackedMatrix[] matrices() {
        return experts;
    }

    @Override
    public final String toString() {
        return name + " [" + experts.length + ", " + rows() + ", " + cols() + "] " + experts[0].format;
    }
}
