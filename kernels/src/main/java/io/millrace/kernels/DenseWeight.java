package io.millrace.kernels;

/**
 * An unquantised matrix [N, K], or one per head [H, N, K], on a device, tiled as its kernels like it. bf16 as published for
 * router, {@code eh_proj} and head; absorbed {@code kv_b} is f32 on cpu, bf16 on cuda.
 */
public interface DenseWeight {
    /** Returns the name for messages. */
    String name();

    /** Returns H for per-head weights, else 1. */
    int numHeads();

    /** Returns N, the output features (of one head). */
    int rows();

    /** Returns K, the input features (of one head). */
    int cols();
}
