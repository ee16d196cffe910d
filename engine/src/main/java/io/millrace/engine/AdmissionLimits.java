package io.millrace.engine;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How many may wait in the engine before new requests are refused instead of queued. Resumed requests are never refused.
 *
 * @param maxWaitingRequests samples that wait at most, those that the next step has rows for not counted ({@code --max-waiting-requests});
 *     0 = no bound
 * @param maxWaitingTokens tokens of prompts that wait at most ({@code --max-waiting-tokens}); who finds nobody waiting is let in;
 *     0 = no bound
 */
public record AdmissionLimits(int maxWaitingRequests, long maxWaitingTokens) {
    /** Everything is queued. */
    public static final AdmissionLimits NONE = new AdmissionLimits(0, 0);

    /** Checks the ranges. */
    public AdmissionLimits {
        if (maxWaitingRequests < 0 || maxWaitingTokens < 0) {
            throw new ConfigException("max-waiting-requests is " + maxWaitingRequests + " and max-waiting-tokens is "
                    + maxWaitingTokens + " but both must be 0 (no bound) or more");
        }
    }

    /**
     * Returns why a request can't be queued, or null if it can.
     *
     * @param numWaiting samples that wait, those with a row not counted; the request's own included
     * @param tokensBefore tokens that wait before it
     * @param tokens its own
     */
    @Nullable
    RejectedException refusal(int numWaiting, long tokensBefore, long tokens) {
        if (maxWaitingRequests > 0 && numWaiting > maxWaitingRequests) {
            return refused(String.format(
                    Locale.ROOT, "%,d would wait but max-waiting-requests is %,d", numWaiting, maxWaitingRequests));
        }
        if (maxWaitingTokens > 0 && tokensBefore > 0 && tokensBefore + tokens > maxWaitingTokens) {
            return refused(String.format(
                    Locale.ROOT,
                    "%,d tokens would wait but max-waiting-tokens is %,d",
                    tokensBefore + tokens,
                    maxWaitingTokens));
        }
        return null;
    }

    private static RejectedException refused(String why) {
        return new RejectedException(
                RejectedException.Stage.PREFILL,
                true,
                "the engine is full: " + why + ": send it again later, raise the limit or add task managers");
    }
}
