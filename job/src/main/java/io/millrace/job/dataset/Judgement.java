package io.millrace.job.dataset;

import io.millrace.job.dataset.Generator.Outcome;

/**
 * An attempt's end and what the verifier says of it.
 *
 * @param verdict of a drawn sample; {@link Verdict#CORRECT} where there is none
 */
record Judgement(RowLoop loop, Outcome outcome, Verdict verdict) {
    /**
     * Ends the attempt in its row.
     *
     * @throws RuntimeException the engine's or the verifier's, if it broke
     */
    void end() {
        if (outcome instanceof Outcome.Drawn drawn) {
            loop.end(drawn.sample(), verdict);
        } else if (outcome instanceof Outcome.Refused refused) {
            loop.end(refused.cause());
        } else if (outcome instanceof Outcome.Broken broken) {
            throw broken.cause();
        }
    }

    /** Asks the verifier, and blocks as long as that takes. */
    static Judgement of(Verifier verifier, RowLoop loop, Outcome outcome) {
        if (!(outcome instanceof Outcome.Drawn drawn)) {
            return new Judgement(loop, outcome, Verdict.CORRECT);
        }
        try {
            return new Judgement(loop, outcome, verifier.check(loop.question(), drawn.sample()));
        } catch (RuntimeException e) { // a wrong command or a bug: whoever takes this throws it again
            return new Judgement(loop, new Outcome.Broken(e), Verdict.CORRECT);
        }
    }
}
