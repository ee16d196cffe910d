package io.millrace.engine.model;

import io.millrace.kernels.DType;
import java.util.List;

/**
 * A tensor that a config wants in its checkpoint.
 *
 * @param dtype as DeepSeek publishes it. E4M3 has a scale tensor as the next entry; BF16 may also be F32 and, for the router's
 *     bias, the other way round
 * @param rows first axis
 * @param cols second axis; 0: a vector
 */
record TensorSpec(String name, DType dtype, int rows, int cols) {
    private static final String SCALE_SUFFIX = "_scale_inv";
    static final int BLOCK = 128;

    static TensorSpec scaleOf(TensorSpec weight) {
        return new TensorSpec(
                weight.name + SCALE_SUFFIX, DType.F32, ceilDiv(weight.rows, BLOCK), ceilDiv(weight.cols, BLOCK));
    }

    boolean isScale() {
        return name.endsWith(SCALE_SUFFIX);
    }

    /** Returns the name of this E4M3 tensor's scales, which are multiplied despite it. */
    String scaleName() {
        return name + SCALE_SUFFIX;
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

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }
}
