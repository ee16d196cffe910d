package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import java.io.Serializable;

/**
 * How many samples a row gets.
 *
 * @param samples drawn per row where {@code accept} is 0
 * @param accept draw until that many are correct; 0 = draw {@code samples}, whatever they are
 * @param maxAttempts samples drawn per row at most where {@code accept} isn't 0
 * @param isVote the samples whose answer most of the row's samples have are accepted, instead of those the verifier calls correct
 */
public record RowPolicy(int samples, int accept, int maxAttempts, boolean isVote) implements Serializable {
    /** Checks what excludes each other. */
    public RowPolicy {
        if (accept > maxAttempts) {
            throw new ConfigException("--accept is " + accept + " but --max-attempts is " + maxAttempts
                    + ": a row can't have more correct samples than attempts");
        }
        if (isVote && accept > 0) {
            throw new ConfigException("--vote and --accept are both given: a vote needs all --n samples of a row");
        }
    }

    /** Returns how many samples a row gets at most. */
    int limit() {
        return accept > 0 ? maxAttempts : samples;
    }
}
