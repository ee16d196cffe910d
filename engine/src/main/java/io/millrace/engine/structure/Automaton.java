package io.millrace.engine.structure;

import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A grammar as a deterministic automaton over bytes whose states are made when they are first reached. A state is a set of
 * configurations: where in a rule, and where its callers go on (a stack that shares its lower part with others). With the state its
 * transitions and its mask of tokens are kept, up to a bound; then all are forgotten and made anew when they are needed. Thread: the
 * engine loop only.
 */
final class Automaton {
    /** States kept at most; 1 to 2 KB each, and their masks. */
    static final int MAX_STATES = 4096;
    /** Bytes of masks kept at most. */
    static final long MAX_MASK_BYTES = 8L << 20;
    /** Configurations of one state at most: a grammar that is more ambiguous than this is refused when it gets there. */
    static final int MAX_CONFIGURATIONS = 5000;

    /** Where the callers of a rule go on; null = nobody called it. */
    private static final class Stack { // no record: equal only if the same, or comparing would go down all of it
        final int number;
        final int returnTo;
        final @Nullable Stack below;

        Stack(int number, int returnTo, @Nullable Stack below) {
            this.number = number;
            this.returnTo = returnTo;
            this.below = below;
        }
    }

    private record StackKey(int returnTo, int below) {}

    private record Configuration(int state, @Nullable Stack stack) {
        int stackNumber() {
            return stack == null ? 0 : stack.number;
        }
    }

    /** A state. Thread: the engine loop only. */
    static final class State {
        private final Configuration[] configurations;
        private final boolean isAccepting;
        private @Nullable State @Nullable [] next;
        private long @Nullable [] mask;

        private State(Configuration[] configurations, boolean isAccepting) {
            this.configurations = configurations;
            this.isAccepting = isAccepting;
        }

        /** Returns whether nothing can follow and what came isn't complete. */
        boolean isDead() {
            return configurations.length == 0 && !isAccepting;
        }

        /** Returns whether what came is complete. */
        boolean isAccepting() {
            return isAccepting;
        }

        /** Returns whether what came is complete and can't be longer. */
        boolean isFinal() {
            return configurations.length == 0 && isAccepting;
        }
    }

    private final Grammar grammar;
    private final TokenTrie trie;
    private final int maxMasks;
    private final Map<IntBuffer, State> states = new HashMap<>();
    private final Map<StackKey, Stack> stacks = new HashMap<>();
    private final BitSet atEnd = new BitSet();
    private int numStacks;
    private int numMasks;
    private int numForgotten;

    Automaton(Grammar grammar, TokenTrie trie) {
        this.grammar = grammar;
        this.trie = trie;
        maxMasks = (int) Math.max(16, MAX_MASK_BYTES / (trie.numTokens() / 8 + 1));
        for (int s = 0; s < grammar.numStates(); s++) {
            atEnd.set(s, grammar.isAtEnd(s));
        }
    }

    /** Returns the state before the first byte of a rule. */
    State start(int rule) {
        return close(Set.of(new Configuration(grammar.start(rule), null)));
    }

    /** Returns a state that allows nothing. */
    State dead() {
        return close(Set.of());
    }

    /** Returns the state behind a byte, a dead one if it can't come. */
    State next(State from, int b) {
        @Nullable State[] known = from.next;
        if (known == null) {
            known = new State[256];
            from.next = known;
        }
        State next = known[b];
        if (next == null) {
            next = close(step(from, b));
            known[b] = next;
        }
        return next;
    }

    /** Returns the state behind a token, a dead one if it can't come. */
    State after(State from, int token) {
        byte[] bytes = trie.text(token);
        State at = from;
        if (bytes == null) {
            return dead();
        }
        for (int i = 0; i < bytes.length && !at.isDead(); i++) {
            at = next(at, bytes[i] & 0xFF);
        }
        return at;
    }

    /** Returns the text tokens that can come next: [numTokens / 64] i64; not to be changed. */
    long[] allowed(State state) {
        long[] mask = state.mask;
        if (mask == null) {
            if (++numMasks > maxMasks) {
                forget();
            }
            mask = trie.allowed(this, state);
            state.mask = mask;
        }
        return mask;
    }

    /** Returns how often everything was forgotten. For tests. */
    int numForgotten() {
        return numForgotten;
    }

    private void forget() {
        for (State s : states.values()) {
            s.next = null; // those who hold the state shall not hold all others
            s.mask = null;
        }
        states.clear();
        stacks.clear();
        numMasks = 0;
        numForgotten++;
    }

    private Set<Configuration> step(State from, int b) {
        Set<Configuration> out = new HashSet<>();
        for (Configuration c : from.configurations) {
            for (Grammar.Edge e : grammar.edges(c.state())) {
                if (e.isByte() && e.low() <= b && b <= e.high()) {
                    out.add(new Configuration(e.to(), c.stack()));
                }
            }
        }
        return out;
    }

    /** Adds what can be reached without a byte, and keeps the configurations that take one. */
    private State close(Set<Configuration> from) {
        Set<Configuration> seen = new HashSet<>();
        Deque<Configuration> todo = new ArrayDeque<>(from);
        Set<Configuration> kept = new HashSet<>();
        boolean isAccepting = false;
        while (!todo.isEmpty()) {
            Configuration c = todo.remove();
            if (!seen.add(c)) {
                continue;
            }
            if (seen.size() > MAX_CONFIGURATIONS) {
                throw new StructureException("at one place more than " + MAX_CONFIGURATIONS
                        + " ways through it are open: make its alternatives begin differently");
            }
            Stack stack = c.stack();
            if (grammar.isEnd(c.state())) {
                if (stack == null) {
                    isAccepting = true;
                } else {
                    todo.add(new Configuration(stack.returnTo, stack.below));
                }
            }
            for (Grammar.Edge e : grammar.edges(c.state())) {
                if (e.isByte()) {
                    kept.add(c);
                } else if (e.isSkip()) {
                    todo.add(new Configuration(e.to(), stack));
                } else {
                    todo.add(new Configuration(
                            grammar.start(e.rule()), atEnd.get(e.to()) ? stack : push(e.to(), stack)));
                }
            }
        }
        return intern(kept, isAccepting);
    }

    private Stack push(int returnTo, @Nullable Stack below) {
        StackKey key = new StackKey(returnTo, below == null ? 0 : below.number);
        return stacks.computeIfAbsent(key, k -> new Stack(++numStacks, returnTo, below));
    }

    private State intern(Set<Configuration> kept, boolean isAccepting) {
        Configuration[] sorted = kept.toArray(Configuration[]::new);
        Arrays.sort(
                sorted,
                (a, b) -> a.state() != b.state()
                        ? Integer.compare(a.state(), b.state())
                        : Integer.compare(a.stackNumber(), b.stackNumber()));
        int[] key = new int[2 * sorted.length + 1];
        for (int i = 0; i < sorted.length; i++) {
            key[2 * i] = sorted[i].state();
            key[2 * i + 1] = sorted[i].stackNumber();
        }
        key[2 * sorted.length] = isAccepting ? 1 : 0;
        State known = states.get(IntBuffer.wrap(key));
        if (known != null) {
            return known;
        }
        if (states.size() >= MAX_STATES) {
            forget();
        }
        State state = new State(sorted, isAccepting);
        states.put(IntBuffer.wrap(key), state);
        return state;
    }
}
