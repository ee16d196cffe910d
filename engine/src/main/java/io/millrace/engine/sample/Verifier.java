package io.millrace.engine.sample;

/**
 * Decides which drafts stand: a draft is accepted if and only if it is what is drawn at its position with that position's own
 * noise, and those before it are accepted. So drafts never change what is generated. Any thread.
 */
public final class Verifier {
    private Verifier() {}

    /**
     * Counts the accepted drafts of one sequence.
     *
     * @param drafts [count] ids for the positions from the next token on
     * @param drawn holds count + 1 rows of the sequence: the next token's, and the one after each draft
     * @param firstRow the next token's row
     * @return how many of the first drafts are accepted; the row after them holds the last new token
     */
    public static int numAccepted(int[] drafts, Sampler drawn, int firstRow) {
        int accepted = 0;
        while (accepted < drafts.length && drawn.token(firstRow + accepted) == drafts[accepted]) {
            accepted++;
        }
        return accepted;
    }
}
