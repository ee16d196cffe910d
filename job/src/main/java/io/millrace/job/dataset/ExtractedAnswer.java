package io.millrace.job.dataset;

import org.jspecify.annotations.Nullable;

/**
 * Looks for the answer in the completion, reasoning left out, and compares it with the row's. A row without an answer asks only that
 * there is one.
 */
final class ExtractedAnswer implements Verifier {
    private final String what;
    private final Finder finder;

    /** Finds an answer in a completion. */
    @FunctionalInterface
    interface Finder {
        /** Returns it, null if there is none. */
        @Nullable
        String find(String completion);
    }

    /**
     * Makes one.
     *
     * @param what is looked for, for messages
     */
    ExtractedAnswer(String what, Finder finder) {
        this.what = what;
        this.finder = finder;
    }

    @Override
    public Verdict check(Question question, Sample sample) {
        String completion = sample.completion();
        if (completion == null) {
            return Verdict.wrong("it ended inside its reasoning");
        }
        String found = finder.find(completion);
        if (found == null) {
            return Verdict.wrong("no " + what);
        }
        String extracted = AnswerText.plain(found);
        String answer = question.answer();
        boolean isCorrect = answer == null || AnswerText.plain(answer).equals(extracted);
        return new Verdict(isCorrect, extracted, isCorrect ? null : "the answer is " + answer);
    }
}
