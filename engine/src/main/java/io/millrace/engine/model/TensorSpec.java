package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.numeric.BlockScale;
import java.util.List;

/**
 * A tensor that a config wants in its checkpoint.
 *
 * @param dtype as published. E4M3 has a scale tensor as the next entry; BF16 may also be F32, except in linear layers, and, for the
 *     router's bias, the other way round
 * @param rows first axis
 * @param cols second axis; 0: a vector
 */
record TensorSpec(String name, DType dtype, int rows, int cols) {
    private static final String SCALE_SUFFIX = "_scale_inv";

    static TensorSpec scaleOf(TensorSpec weight) {
        return new TensorSpec(
                weight.name + SCALE_SUFFIX, DType.F32, BlockScale.blocks(weight.rows), BlockScale.blocks(weight.cols));
    }

    boolean isScale() {
        return name.endsWith(SCALE_SUFFIX);
    }

    /** Returns whether this is a matrix of a linear layer: what a quantised checkpoint has in e4m3. */
    boolean isLinear() {
        return (name.endsWith("_proj.weight") && !name.endsWith(".eh_proj.weight"))
                || name.endsWith("_with_mqa.weight");
    }

    List<Long> shape() {
        return cols == 0 ? List.of((long) rows) : List.of((long) rows, (long) cols);
    }

    long numElements() {
        return (long) rows * Math.max(cols, 1);
    }

    /** Returns the bytes in the published dtype. */
    long sizeBytes() {
        return numElements() * dtype.elementBytes();
    }
}
