package io.millrace.kernels;

/** A recorded sequence of ops with fixed tensors. */
public interface CapturedStep {
    /** Queues it again. */
    void replay();
}
