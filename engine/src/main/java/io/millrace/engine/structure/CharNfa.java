package io.millrace.engine.structure;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A nondeterministic automaton over characters, for what has to be intersected: patterns and lengths of strings. One thread. */
final class CharNfa implements Expr.Graph {
    /** States of one automaton at most. */
    static final int MAX_STATES = 20_000;

    /** A step to another state with any character of the set. */
    record Edge(CharSet set, int to) {}

    private final List<List<Edge>> edges = new ArrayList<>();
    private final List<List<Integer>> skips = new ArrayList<>();
    private final BitSet accepting = new BitSet();

    private CharNfa() {}

    /** Returns the automaton of an expression without calls; state 0 is its start. */
    static CharNfa of(Expr expr) {
        CharNfa nfa = new CharNfa();
        nfa.accepting.set(Expr.build(expr, nfa, nfa.newState()));
        return nfa;
    }

    /** Returns the automaton of every text but the given ones. */
    static CharNfa allBut(Set<String> texts) {
        CharNfa nfa = new CharNfa();
        Map<String, Integer> stateOf = new HashMap<>();
        stateOf.put("", nfa.newState());
        Map<Integer, Map<Integer, Integer>> children = new HashMap<>();
        for (String text : texts) {
            StringBuilder prefix = new StringBuilder();
            int at = 0;
            for (int c : text.codePoints().toArray()) {
                prefix.appendCodePoint(c);
                int to = stateOf.computeIfAbsent(prefix.toString(), k -> nfa.newState());
                children.computeIfAbsent(at, k -> new HashMap<>()).put(c, to);
                at = to;
            }
        }
        int free = nfa.newState();
        nfa.accepting.set(0, free + 1);
        texts.forEach(t -> nfa.accepting.clear(stateOf.getOrDefault(t, free)));
        nfa.chars(free, CharSet.ANY, free);
        for (int state : stateOf.values()) {
            Map<Integer, Integer> known = children.getOrDefault(state, Map.of());
            known.forEach((c, to) -> nfa.chars(state, CharSet.of(c), to));
            CharSet taken =
                    CharSet.union(known.keySet().stream().map(CharSet::of).toList());
            nfa.chars(state, CharSet.ANY.and(taken.negate()), free);
        }
        return nfa;
    }

    @Override
    public int newState() {
        if (edges.size() == MAX_STATES) {
            throw new StructureException("a pattern or length needs more than " + MAX_STATES
                    + " states: use smaller repetition counts, or a smaller maxLength beside a pattern");
        }
        edges.add(new ArrayList<>());
        skips.add(new ArrayList<>());
        return edges.size() - 1;
    }

    @Override
    public void skip(int from, int to) {
        skips.get(from).add(to);
    }

    @Override
    public void chars(int from, CharSet set, int to) {
        if (!set.isEmpty()) {
            edges.get(from).add(new Edge(set, to));
        }
    }

    @Override
    public void call(int from, int rule, int to) {
        throw new IllegalStateException("a pattern calls no rules");
    }

    @Override
    public void jsonText(int from, CharNfa text, int to) {
        throw new IllegalStateException("a pattern holds no automaton");
    }

    int numStates() {
        return edges.size();
    }

    List<Edge> edges(int state) {
        return edges.get(state);
    }

    List<Integer> skips(int state) {
        return skips.get(state);
    }

    boolean isAccepting(int state) {
        return accepting.get(state);
    }

    private BitSet closure(Iterable<Integer> states) {
        BitSet seen = new BitSet();
        Deque<Integer> todo = new ArrayDeque<>();
        states.forEach(todo::add);
        while (!todo.isEmpty()) {
            int s = todo.remove();
            if (!seen.get(s)) {
                seen.set(s);
                todo.addAll(skips.get(s));
            }
        }
        return seen;
    }

    /** Returns whether the whole text matches. */
    boolean matches(String text) {
        BitSet at = closure(List.of(0));
        for (int c : text.codePoints().toArray()) {
            Set<Integer> next = new HashSet<>();
            at.stream()
                    .forEach(s -> edges.get(s).stream()
                            .filter(e -> e.set().contains(c))
                            .forEach(e -> next.add(e.to())));
            at = closure(next);
        }
        return at.intersects(accepting);
    }

    /** Returns an automaton without skips for what both match. */
    CharNfa and(CharNfa other) {
        CharNfa out = new CharNfa();
        Map<Long, Integer> stateOf = new HashMap<>();
        List<int[]> pairs = new ArrayList<>();
        out.pair(0, 0, stateOf, pairs);
        for (int i = 0; i < pairs.size(); i++) {
            BitSet mine = closure(List.of(pairs.get(i)[0]));
            BitSet theirs = other.closure(List.of(pairs.get(i)[1]));
            if (mine.intersects(accepting) && theirs.intersects(other.accepting)) {
                out.accepting.set(i);
            }
            for (int a = mine.nextSetBit(0); a >= 0; a = mine.nextSetBit(a + 1)) {
                for (int b = theirs.nextSetBit(0); b >= 0; b = theirs.nextSetBit(b + 1)) {
                    out.addProduct(i, edges.get(a), other.edges.get(b), stateOf, pairs);
                }
            }
        }
        return out;
    }

    private void addProduct(
            int from, List<Edge> mine, List<Edge> theirs, Map<Long, Integer> stateOf, List<int[]> pairs) {
        for (Edge a : mine) {
            for (Edge b : theirs) {
                CharSet both = a.set().and(b.set());
                if (!both.isEmpty()) {
                    chars(from, both, pair(a.to(), b.to(), stateOf, pairs));
                }
            }
        }
    }

    private int pair(int a, int b, Map<Long, Integer> stateOf, List<int[]> pairs) {
        long key = ((long) a << 32) | b;
        Integer known = stateOf.get(key);
        if (known != null) {
            return known;
        }
        int state = newState();
        stateOf.put(key, state);
        pairs.add(new int[] {a, b});
        return state;
    }
}
