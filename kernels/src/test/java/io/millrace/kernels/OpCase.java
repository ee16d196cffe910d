package io.millrace.kernels;

/** Inputs of an op for some rows, how to run it on a rank, and the answer by plain loops in double. */
public interface OpCase {
    /** Rows of the step. */
    int rows();

    /** Numbers of a row's result. */
    int cols();

    /** Runs the op for the rows from … to − 1 only; returns [to − from, cols] f32. */
    float[] run(Rank rank, int from, int to);

    /** [rows, cols]. */
    double[] expected();

    /** [rows, cols] sums of absolute terms: what errors are measured against. */
    double[] magnitude();

    /** Allowed error in units of the magnitude. */
    double bound();
}
