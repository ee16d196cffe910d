package io.millrace.job.dataset;

/** Decides whether a sample is right. Called by several threads at once. */
@FunctionalInterface
interface Verifier {
    /** Takes every sample. */
    Verifier NONE = (question, sample) -> Verdict.CORRECT;

    /** Judges a sample; blocks as long as that takes. */
    Verdict check(Question question, Sample sample);
}
