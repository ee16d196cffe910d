package io.millrace.kernels;

/**
 * Activations ready to meet a {@link LinearWeight}, [T, K]. On cuda e4m3 with one scale per row and 128 columns, or bf16 ({@link
 * LinearFormat}); the cpu back end keeps f32 rows and no scales, because its goldens are those of unquantised activations.
 */
public interface Fp8Activations {
    /** Returns the row capacity or the rows of this view. */
    long rows();

    /** Returns K. */
    long cols();

    /** Returns a view of the first {@code rows} rows. */
    Fp8Activations firstRows(long rows);
}
