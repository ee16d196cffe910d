package io.millrace.job.dataset;

import org.jspecify.annotations.Nullable;

/**
 * What a verifier says of a sample.
 *
 * @param isCorrect whether it may be accepted
 * @param extracted the answer that was found in it, null = none or the verifier looks for none
 * @param why why not, in words; null if it is correct
 */
record Verdict(
        boolean isCorrect,
        @Nullable String extracted,
        @Nullable String why) {
    /** Correct without an extracted answer. */
    static final Verdict CORRECT = new Verdict(true, null, null);

    static Verdict correct(String extracted) {
        return new Verdict(true, extracted, null);
    }

    static Verdict wrong(String why) {
        return new Verdict(false, null, why);
    }
}
