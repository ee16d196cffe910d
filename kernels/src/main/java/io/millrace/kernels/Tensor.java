package io.millrace.kernels;

/**
 * A block of numbers on one device, row-major, first axis = rows. The storage is the device's own; views share it. Owner: the
 * device that allocated it. Thread: the rank's.
 */
public interface Tensor {
    /** Returns the element type. */
    DType dtype();

    /** Returns a copy of the shape. */
    long[] shape();

    /** Returns the first axis' length. */
    long rows();

    /** Returns the elements of one row: the product of all axes but the first (1 for a vector). */
    long cols();

    /**
     * Returns a view of the first {@code rows} rows.
     *
     * @throws IllegalArgumentException if there are fewer
     */
    Tensor firstRows(long rows);

    /**
     * Returns a strided view of columns {@code from … from + count − 1} of every row, shape [rows, count].
     *
     * @throws IllegalArgumentException if they aren't all there
     */
    Tensor columns(long from, long count);
}
