package io.millrace.kernels.cpu;

import io.millrace.kernels.Fp8Weight;

/** Packed e4m3 matrices, one per expert. Immutable; any thread. */
final class CpuFp8Weight extends CpuLinearWeight implements Fp8Weight {
    CpuFp8Weight(String name, PackedMatrix[] experts, int skewCols) {
        super(name, experts, skewCols);
    }
}
