package io.millrace.engine.program;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.TokenLogprobs;
import java.util.List;

/**
 * What became of a part.
 *
 * @param finished as the engine told it
 * @param scores log-probabilities of a choice's tokens; empty for a draw
 */
public record PartResult(EngineEvent.Finished finished, List<TokenLogprobs> scores) {
    /** Copies the list. */
    public PartResult {
        scores = List.copyOf(scores);
    }

    /** Returns the log-probability of a choice: of all its tokens together, in their order, or the mean. */
    double logprob(boolean isMean) {
        double sum = 0;
        for (TokenLogprobs token : scores) {
            sum += token.logprobs()[0];
        }
        return isMean ? sum / scores.size() : sum;
    }
}
