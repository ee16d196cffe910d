package io.millrace.kernels;

/**
 * How a model is spread over devices.
 *
 * @param tp ranks that share each layer's heads and columns, ≥ 1
 * @param ep ranks that share the routed experts, ≥ 1
 * @param dpAttention whether ranks hold whole attention and split requests instead of heads
 */
public record ParallelPlan(int tp, int ep, boolean dpAttention) {
    /** One device. */
    public static final ParallelPlan SINGLE = new ParallelPlan(1, 1, false);

    /** Checks the ranges. */
    public ParallelPlan {
        if (tp < 1 || ep < 1) {
            throw new IllegalArgumentException("tp " + tp + " and ep " + ep + " must be at least 1");
        }
    }

    /** Returns the number of ranks. */
    public int numRanks() {
        return Math.max(tp, ep);
    }

    /** Returns the groups that each attend to requests of their own: 1 unless {@link #dpAttention}. */
    public int dp() {
        return dpAttention ? numRanks() / tp : 1;
    }

    /** Returns the ranks that share the columns of one routed expert. */
    public int expertTp() {
        return numRanks() / ep;
    }

    @Override
    public String toString() {
        return "tp" + tp + "-ep" + ep + (dpAttention ? "-dpattn" : "");
    }
}
