package io.millrace.engine.schedule;

import java.util.ArrayList;
import java.util.List;

/**
 * Who does what in a step. An entry computes the next tokens of a sequence, and, if that reaches its last one, draws the next; if
 * it has drafts, they are computed behind, and a token is drawn after each. Rows whose logits are wanted are in the order of the
 * entries; within one, those that score given tokens come before the draws. Reused from step to step. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
public final class StepPlan<C> {
    /** One sequence's part. */
    private static final class Entry<C> {
        final Sequence<C> sequence;
        final int count;
        final boolean isDrawing;
        final int[] drafts;
        final int numScores;
        final int firstLogitRow;
        int numAccepted;

        Entry(Sequence<C> sequence, int count, int firstLogitRow) {
            this.firstLogitRow = firstLogitRow;
            numScores = sequence.numScores(count);
            this.sequence = sequence;
            this.count = count;
            isDrawing = count == sequence.numMissing();
            drafts = isDrawing ? sequence.drafts() : NO_DRAFTS;
        }
    }

    static final int[] NO_DRAFTS = {};

    private final List<Entry<C>> entries = new ArrayList<>();
    private int numTokens;
    private int numLogitRows;

    void clear() {
        entries.clear();
        numTokens = 0;
        numLogitRows = 0;
    }

    /** Adds a sequence's next {@code count} tokens, and its drafts if those are all that are missing. */
    void add(Sequence<C> sequence, int count) {
        Entry<C> entry = new Entry<>(sequence, count, numLogitRows);
        entries.add(entry);
        numTokens += count + entry.drafts.length;
        numLogitRows += entry.numScores + (entry.isDrawing ? 1 + entry.drafts.length : 0);
    }

    /** Returns the number of sequences in the step. */
    public int size() {
        return entries.size();
    }

    /** Returns the i-th sequence. */
    public Sequence<C> sequence(int i) {
        return entries.get(i).sequence;
    }

    /** Returns how many of the i-th sequence's missing tokens the step computes, ≥ 1. */
    public int count(int i) {
        return entries.get(i).count;
    }

    /** Returns the ids that are tried behind the i-th sequence's last token. */
    public int[] drafts(int i) {
        return entries.get(i).drafts;
    }

    /** Returns how many tokens are drawn for the i-th sequence: none, or one and one per draft. */
    public int numDraws(int i) {
        Entry<C> e = entries.get(i);
        return e.isDrawing ? 1 + e.drafts.length : 0;
    }

    /** Returns how many of the i-th sequence's given tokens are scored. */
    public int numScores(int i) {
        return entries.get(i).numScores;
    }

    /** Returns which of the step's rows of logits scores the i-th sequence's first given token; those of the others follow. */
    public int firstScore(int i) {
        return entries.get(i).firstLogitRow;
    }

    /** Returns which of the step's rows of logits draws the i-th sequence's first token; those of the others follow. */
    public int firstDraw(int i) {
        return entries.get(i).firstLogitRow + entries.get(i).numScores;
    }

    /** Returns S, the rows of the step whose logits are wanted. */
    public int numLogitRows() {
        return numLogitRows;
    }

    /** Notes how many of the i-th sequence's drafts stand. */
    public void accept(int i, int numDrafts) {
        entries.get(i).numAccepted = numDrafts;
    }

    /** Returns how many of the i-th sequence's drafts stand, once they are verified. */
    public int numAccepted(int i) {
        return entries.get(i).numAccepted;
    }

    /** Returns whether each sequence has one row, which draws. */
    public boolean isDecode() {
        return numTokens == size() && numLogitRows == size();
    }

    /** Returns T, the tokens of the step, drafts included. */
    public int numTokens() {
        return numTokens;
    }
}
