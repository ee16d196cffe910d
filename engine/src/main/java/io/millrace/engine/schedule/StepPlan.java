package io.millrace.engine.schedule;

import java.util.ArrayList;
import java.util.List;

/**
 * Who does what in a step: each entry computes the next {@code count} tokens of a sequence, and draws a token if that reaches its
 * last one. Reused from step to step. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
public final class StepPlan<C> {
    private final List<Sequence<C>> sequences = new ArrayList<>();
    private int[] counts = new int[16];
    private int numTokens;

    void clear() {
        sequences.clear();
        numTokens = 0;
    }

    void add(Sequence<C> sequence, int count) {
        if (sequences.size() == counts.length) {
            counts = java.util.Arrays.copyOf(counts, 2 * counts.length);
        }
        counts[sequences.size()] = count;
        sequences.add(sequence);
        numTokens += count;
    }

    /** Returns the number of sequences in the step. */
    public int size() {
        return sequences.size();
    }

    /** Returns the i-th sequence. */
    public Sequence<C> sequence(int i) {
        return sequences.get(i);
    }

    /** Returns how many of the i-th sequence's missing tokens the step computes, ≥ 1. */
    public int count(int i) {
        return counts[i];
    }

    /** Returns whether the i-th sequence gets a new token from this step. */
    public boolean draws(int i) {
        Sequence<C> s = sequences.get(i);
        return counts[i] == s.numMissing();
    }

    /** Returns T, the tokens of the step. */
    public int numTokens() {
        return numTokens;
    }
}
