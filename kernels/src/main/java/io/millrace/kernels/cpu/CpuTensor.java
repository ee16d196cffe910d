package io.millrace.kernels.cpu;

import io.millrace.kernels.DType;
import io.millrace.kernels.Tensor;
import java.util.Arrays;

/** A tensor in a Java array: {@code offset + row · stride + column}. Views share the array. Thread: the rank's. */
final class CpuTensor implements Tensor {
    /** No numbers: what a field holds before its first op. */
    static final CpuTensor EMPTY = of(DType.F32, new float[0], 0, 0);

    private final DType dtype;
    private final long[] shape;
    private final Object array;
    private final int offset;
    private final int stride;
    private final int rows;
    private final int cols;

    private CpuTensor(DType dtype, long[] shape, Object array, int offset, int stride) {
        this.dtype = dtype;
        this.shape = shape;
        this.array = array;
        this.offset = offset;
        this.stride = stride;
        this.rows = (int) shape[0];
        this.cols = (int) colsOf(shape);
    }

    /** Wraps a new array: {@code float[]}, {@code int[]}, {@code short[]} (bf16) or {@code byte[]} (e4m3) of the shape's size. */
    static CpuTensor of(DType dtype, Object array, long... shape) {
        return new CpuTensor(dtype, shape.clone(), array, 0, (int) colsOf(shape));
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
        return rows;
    }

    @Override
    public long cols() {
        return cols;
    }

    int numRows() {
        return rows;
    }

    int numCols() {
        return cols;
    }

    /** Returns the last axis' length. */
    int lastAxis() {
        return (int) shape[shape.length - 1];
    }

    /** Returns the second axis' length: heads of [T, H, ·]. */
    int secondAxis() {
        return shape.length < 2 ? 1 : (int) shape[1];
    }

    /** Returns the number of axes. */
    int rank() {
        return shape.length;
    }

    /** Returns the index of a row's first element. */
    int at(int row) {
        return offset + row * stride;
    }

    int stride() {
        return stride;
    }

    float[] f32() {
        return (float[]) checked(DType.F32);
    }

    int[] i32() {
        return (int[]) checked(DType.I32);
    }

    short[] bf16() {
        return (short[]) checked(DType.BF16);
    }

    private Object checked(DType wanted) {
        if (dtype != wanted) {
            throw new IllegalArgumentException("tensor " + this + " is not " + wanted);
        }
        return array;
    }

    @Override
    public Tensor firstRows(long count) {
        if (count < 0 || count > rows) {
            throw new IllegalArgumentException("first " + count + " rows of tensor " + this);
        }
        long[] newShape = shape.clone();
        newShape[0] = count;
        return new CpuTensor(dtype, newShape, array, offset, stride);
    }

    @Override
    public Tensor columns(long from, long count) {
        if (from < 0 || count < 0 || from + count > cols) {
            throw new IllegalArgumentException("columns " + from + " … " + (from + count - 1) + " of tensor " + this);
        }
        return new CpuTensor(dtype, new long[] {rows, count}, array, offset + (int) from, stride);
    }

    @Override
    public String toString() {
        return dtype + " " + Arrays.toString(shape);
    }
}
