package io.millrace.job.dataset;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A sample and what became of it.
 *
 * @param isCorrect what the verifier said
 * @param isAccepted whether it goes into the data
 * @param extracted the answer found in it, null = none
 * @param why why it isn't accepted, null if it is
 */
record JudgedSample(
        Sample sample,
        boolean isCorrect,
        boolean isAccepted,
        @Nullable String extracted,
        @Nullable String why) {

    JudgedSample rejected(String reason) {
        return new JudgedSample(sample, isCorrect, false, extracted, reason);
    }

    /** Returns all its text behind the prompt. */
    String text(String prompt) {
        return prompt + "\n" + Objects.toString(sample.reasoning(), "") + "\n"
                + Objects.toString(sample.completion(), "");
    }
}
