package io.millrace.operators;

import io.millrace.engine.AdmissionLimits;
import io.millrace.engine.EngineConfig;
import java.io.Serializable;
import java.time.Duration;

/**
 * How requests are served beside each other. Travels with the job graph.
 *
 * @param isCachePerTenant cached prefixes are shared within a tenant only
 * @param maxWaitingRequests see {@link AdmissionLimits}
 * @param maxWaitingTokens see {@link AdmissionLimits}
 * @param partialIntervalMillis between two partials of one choice at least; −1 = no partials
 * @param cancels where cancels come from
 * @param stepTimeout a step of the engine that takes longer fails the tasks; zero = never
 * @param maxProgramSteps steps of a program at most, its rounds and branches unrolled
 * @param maxProgramTokens tokens that the draws of a program may make at most
 */
public record ServingSettings(
        boolean isCachePerTenant,
        int maxWaitingRequests,
        long maxWaitingTokens,
        long partialIntervalMillis,
        CancelSource cancels,
        Duration stepTimeout,
        int maxProgramSteps,
        long maxProgramTokens)
        implements Serializable {
    /** Default of {@link #maxProgramSteps}. */
    public static final int DEFAULT_PROGRAM_STEPS = 256;

    /** Default of {@link #maxProgramTokens}. */
    public static final long DEFAULT_PROGRAM_TOKENS = 1 << 17;

    /** Everything is queued, prefixes are shared by all, no partials, no cancels. */
    public static final ServingSettings PLAIN = new ServingSettings(false, 0, 0, -1, CancelSource.NONE);

    /** With the default bounds on a step's time and on programs. */
    ServingSettings(
            boolean isCachePerTenant,
            int maxWaitingRequests,
            long maxWaitingTokens,
            long partialIntervalMillis,
            CancelSource cancels) {
        this(
                isCachePerTenant,
                maxWaitingRequests,
                maxWaitingTokens,
                partialIntervalMillis,
                cancels,
                EngineConfig.STEP_TIMEOUT,
                DEFAULT_PROGRAM_STEPS,
                DEFAULT_PROGRAM_TOKENS);
    }

    AdmissionLimits admission() {
        return new AdmissionLimits(maxWaitingRequests, maxWaitingTokens);
    }
}
