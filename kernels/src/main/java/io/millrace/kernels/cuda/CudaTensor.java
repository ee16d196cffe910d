package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.Tensor;
import java.util.Arrays;

/** A tensor in device memory: row r starts {@code r · ld} elements behind the pointer. Views share the memory. Thread: the rank's. */
final class CudaTensor implements Tensor {
    private final DType dtype;
    private final long[] shape;
    private final long pointer;
    private final long ld;
    private final long cols;

    CudaTensor(DType dtype, long[] shape, long pointer) {
        this(dtype, shape.clone(), pointer, colsOf(shape));
    }

    private CudaTensor(DType dtype, long[] shape, long pointer, long ld) {
        this.dtype = dtype;
        this.shape = shape;
        this.pointer = pointer;
        this.ld = ld;
        this.cols = colsOf(shape);
    }

    private static long colsOf(long[] shape) {
        long cols = 1;
        for (int i = 1; i < shape.length; i++) {
            cols *= shape[i];
        }
        return cols;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    @Override
    public long rows() {
        return shape[0];
    }

    @Override
    public long cols() {
        return cols;
    }

    /** Returns the device address of the first element. */
    long pointer() {
        return pointer;
    }

    /** Returns the elements from one row's start to the next one's. */
    long ld() {
        return ld;
    }

    /** Returns whether all elements lie side by side. */
    boolean isContiguous() {
        return ld == cols || shape[0] <= 1;
    }

    /** Returns a view of the rows {@code from … from + count − 1}. */
    CudaTensor rows(long from, long count) {
        if (from < 0 || count < 0 || from + count > shape[0]) {
            throw new IllegalArgumentException("rows " + from + " … " + (from + count - 1) + " of tensor " + this);
        }
        long[] newShape = shape.clone();
        newShape[0] = count;
        return new CudaTensor(dtype, newShape, pointer + from * ld * dtype.elementBytes(), ld);
    }

    @Override
    public Tensor firstRows(long count) {
        if (count < 0 || count > shape[0]) {
            throw new IllegalArgumentException("first " + count + " rows of tensor " + this);
        }
        long[] newShape = shape.clone();
        newShape[0] = count;
        return new CudaTensor(dtype, newShape, pointer, ld);
    }

    @Override
    public Tensor columns(long from, long count) {
        if (from < 0 || count < 0 || from + count > cols) {
            throw new IllegalArgumentException("columns " + from + " … " + (from + count - 1) + " of tensor " + this);
        }
        return new CudaTensor(dtype, new long[] {shape[0], count}, pointer + from * dtype.elementBytes(), ld);
    }

    @Override
    public String toString() {
        return dtype + " " + Arrays.toString(shape);
    }
}
