package io.millrace.kernels;

/**
 * How a router chooses (keys of config.json; DeepSeek-V3 §2.1.2).
 *
 * @param numExperts E
 * @param numExpertsPerTok K, 1 … E
 * @param nGroup groups of adjacent experts; 1: no group step
 * @param topkGroup groups kept
 * @param isSigmoid scores by sigmoid (else by softmax over all experts)
 * @param normTopkProb divide the K weights by their sum
 * @param routedScalingFactor multiplied into the weights
 */
public record RouterSpec(
        int numExperts,
        int numExpertsPerTok,
        int nGroup,
        int topkGroup,
        boolean isSigmoid,
        boolean normTopkProb,
        float routedScalingFactor) {
    /** Checks that the choice is possible. */
    public RouterSpec {
        if (numExpertsPerTok < 1
                || nGroup < 1
                || topkGroup < 1
                || topkGroup > nGroup
                || numExperts % nGroup != 0
                || numExpertsPerTok > topkGroup * (numExperts / nGroup)) {
            throw new IllegalArgumentException("cannot choose " + numExpertsPerTok + " of " + numExperts
                    + " experts in " + topkGroup + " of " + nGroup + " groups");
        }
    }
}
