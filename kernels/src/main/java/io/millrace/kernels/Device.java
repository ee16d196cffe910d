package io.millrace.kernels;

import java.nio.ByteBuffer;
import java.util.List;

/** Memory and transfers of one rank's device. Thread: the rank's; uploads may come from several loader threads. */
public interface Device {
    /** Returns what this is, for logs and provenance. */
    DeviceInfo info();

    /** Waits until kernels run at full speed (cpu: the JVM has compiled their loops). Any thread. */
    void awaitReady();

    /**
     * Allocates zeroed memory.
     *
     * @throws DeviceException if it doesn't fit, with the bytes asked for and free
     */
    Tensor allocate(DType dtype, long... shape);

    /** Allocates activations that meet whole weights of {@link LinearFormat#E4M3}, for at most {@code rows} rows of {@code cols} columns. */
    default Fp8Activations allocateActivations(long rows, long cols) {
        return allocateActivations(rows, cols, LinearFormat.E4M3);
    }

    /** Allocates activations that meet whole weights of that format. */
    default Fp8Activations allocateActivations(long rows, long cols, LinearFormat format) {
        return allocateActivations(rows, cols, format, 0);
    }

    /**
     * Allocates activations for at most {@code rows} rows of {@code cols} columns.
     *
     * @param format of the weights that they meet
     * @param skewCols {@link Fp8Matrix#skewCols()} of weights whose columns were cut from wider ones, so that activations share a
     *     scale where weights do; 0 for whole weights, and for bf16, which has no scales
     */
    Fp8Activations allocateActivations(long rows, long cols, LinearFormat format, int skewCols);

    /** Copies a tensor of a checkpoint as it is: data [shape] in the dtype's little-endian layout, from the position; not consumed. */
    Tensor upload(String name, DType dtype, ByteBuffer data, long... shape);

    /**
     * Tiles a block-scaled weight.
     *
     * @param name for messages
     * @param experts one entry per expert (one for an ordinary matrix): its row-concatenated parts, perhaps cut from larger
     *     matrices; all experts' of the same shapes and cuts
     * @throws DeviceException if a code is NaN or a scale isn't finite, if it doesn't fit, or if the device can't multiply by such
     *     a cut
     */
    Fp8Weight uploadFp8(String name, List<List<Fp8Matrix>> experts);

    /**
     * Tiles a bf16 weight of linear layers. The caller has looked for NaN and infinities.
     *
     * @param name for messages
     * @param experts one entry per expert (one for an ordinary matrix): its row-concatenated parts; all of the same shapes
     * @throws DeviceException if it doesn't fit
     */
    LinearWeight uploadBf16(String name, List<List<Bf16Matrix>> experts);

    /** Tiles an unquantised matrix: data [rows, cols] bf16 or f32, little-endian, from the position; not consumed. */
    DenseWeight uploadDense(String name, DType dtype, ByteBuffer data, int rows, int cols);

    /** Tiles per-head matrices: values [heads, rows, cols] f32, rounded to what the device multiplies (f32 cpu, bf16 cuda). */
    DenseWeight uploadHeads(String name, float[] values, int heads, int rows, int cols);

    /** Writes the first {@code count} numbers of src to the start of dst (i32). */
    void write(Tensor dst, int[] src, int count);

    /** Writes the first {@code count} numbers of src to the start of dst (f32). */
    void write(Tensor dst, float[] src, int count);

    /** Waits for the stream, then reads the first {@code count} numbers of src (i32). */
    void read(int[] dst, Tensor src, int count);

    /** Waits for the stream, then reads the first {@code count} numbers of src (f32). */
    void read(float[] dst, Tensor src, int count);

    /** Keeps a step for replay: a graph on cuda, the Runnable itself on cpu. */
    CapturedStep capture(Runnable step);
}
