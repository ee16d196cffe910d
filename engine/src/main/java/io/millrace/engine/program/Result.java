package io.millrace.engine.program;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named result, of a draw or of a choice.
 *
 * @param name with the numbers of its branches and rounds, for instance {@code answer[3]}
 * @param firstPart its part, or that of its first choice
 * @param seed of a draw, null for a choice
 * @param choices of a select, in order; empty for a draw
 * @param chosen index of the choice that was taken, −1 for a draw
 */
public record Result(String name, int firstPart, @Nullable Long seed, List<Choice> choices, int chosen) {
    /** A text that could be chosen, and its log-probability. */
    public record Choice(String text, double logprob, int numTokens) {}

    /** Copies the list. */
    public Result {
        choices = List.copyOf(choices);
    }

    /** Returns the chosen text, null for a draw. */
    public @Nullable String chosenText() {
        return chosen < 0 ? null : choices.get(chosen).text();
    }
}
