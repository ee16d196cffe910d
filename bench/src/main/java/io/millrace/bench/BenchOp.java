package io.millrace.bench;

import io.millrace.kernels.Tensor;

/** One op at one shape, ready to be run again and again. Thread: the rank's. */
interface BenchOp {
    /** Returns the op's name. */
    String name();

    /** Returns its shape in words. */
    String shape();

    /** Returns the bytes that it must read and write at least. */
    long bytes();

    /** Returns its multiplications and additions. */
    long flops();

    /** Runs it once. */
    void run();

    /** Returns what it writes. */
    Tensor out();
}
