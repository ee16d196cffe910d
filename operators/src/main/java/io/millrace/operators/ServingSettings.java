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
 */
public record ServingSettings(
        boolean isCachePerTenant,
        int maxWaitingRequests,
        long maxWaitingTokens,
        long partialIntervalMillis,
        CancelSource cancels,
        Duration stepTimeout)
        implements Serializable {
    /** Everything is queued, prefixes are shared by all, no partials, no cancels. */
    public static final ServingSettings PLAIN = new ServingSettings(false, 0, 0, -1, CancelSource.NONE);

    /** With the engine's own bound on a step's time. */
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
                EngineConfig.STEP_TIMEOUT);
    }

    AdmissionLimits admission() {
        return new AdmissionLimits(maxWaitingRequests, maxWaitingTokens);
    }
}
