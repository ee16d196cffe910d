package io.millrace.kernels;

/**
 * One or several matrices of linear layers on a device, tiled as its kernels like them: block-scaled e4m3 ({@link Fp8Weight}) or
 * bf16, whichever the checkpoint has. Several row-concatenated parts (gate and up) act as one matrix with the rows of all;
 * several experts share one object and are chosen by {@link Routing}.
 */
public interface LinearWeight {
    /** Returns the name for messages, for instance {@code model.layers.3.mlp.experts.gate_up}. */
    String name();

    /** Returns the number of experts; 1 for an ordinary matrix. */
    int numExperts();

    /** Returns N, the output features of one expert, all parts together. */
    int rows();

    /** Returns K, the input features. */
    int cols();
}
