package io.millrace.kernels;

/** Sum and exchange between the ranks of a plan, in fixed rank order. Every rank calls each method, also with zero tokens. */
public interface Collective {
    /** Replaces x on every rank by the sum over all ranks, added in rank order in f32. */
    void allReduce(Tensor x);
}
