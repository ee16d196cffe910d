package io.millrace.engine.structure;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Refuses grammars in which a rule can call itself before it takes a byte: a top-down automaton would never get to the byte. One thread. */
final class LeftRecursion {
    private final Grammar grammar;
    private final BitSet nullable = new BitSet();

    LeftRecursion(Grammar grammar) {
        this.grammar = grammar;
    }

    void check() {
        boolean isNew = true;
        while (isNew) {
            isNew = false;
            for (int r = 0; r < grammar.numRules(); r++) {
                if (!nullable.get(r) && firstOf(r, null)) {
                    nullable.set(r);
                    isNew = true;
                }
            }
        }
        BitSet[] calls = new BitSet[grammar.numRules()];
        int[] numCallers = new int[calls.length];
        for (int r = 0; r < calls.length; r++) {
            calls[r] = new BitSet();
            firstOf(r, calls[r]);
            calls[r].stream().forEach(callee -> numCallers[callee]++);
        }
        // What is left when rules that nobody calls first are taken away again and again are cycles.
        Deque<Integer> todo = new ArrayDeque<>();
        for (int r = 0; r < calls.length; r++) {
            if (numCallers[r] == 0) {
                todo.add(r);
            }
        }
        int numTaken = 0;
        while (!todo.isEmpty()) {
            numTaken++;
            calls[todo.remove()].stream().forEach(callee -> {
                if (--numCallers[callee] == 0) {
                    todo.add(callee);
                }
            });
        }
        if (numTaken < calls.length) {
            throw new StructureException(
                    "it refers to itself before any text (left recursion): write the repeated part as a repetition behind it");
        }
    }

    /** Collects the rules that can be called without a byte before; returns whether the rule can match nothing at all. */
    private boolean firstOf(int rule, @Nullable BitSet calls) {
        BitSet seen = new BitSet();
        Deque<Integer> todo = new ArrayDeque<>();
        todo.add(grammar.start(rule));
        boolean isNullable = false;
        while (!todo.isEmpty()) {
            int s = todo.remove();
            if (seen.get(s)) {
                continue;
            }
            seen.set(s);
            isNullable |= grammar.isEnd(s);
            for (Grammar.Edge e : grammar.edges(s)) {
                if (e.rule() >= 0 && calls != null) {
                    calls.set(e.rule());
                }
                if (e.isSkip() || (e.rule() >= 0 && nullable.get(e.rule()))) {
                    todo.add(e.to());
                }
            }
        }
        return isNullable;
    }
}
