package io.millrace.engine.structure;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rules over bytes, each a nondeterministic automaton whose edges skip, take a byte or call a rule. All rules share one numbering of
 * states; a rule ends in exactly one of them. Building: one thread; once {@link #finish}ed immutable, any thread.
 */
final class Grammar implements Expr.Graph {
    /** States of a grammar at most. */
    static final int MAX_STATES = 100_000;

    private static final int MAX_EDGES = 4 * MAX_STATES;

    /** A step that takes a byte from {@code low} to {@code high}, or for {@code rule} ≥ 0 whatever that rule matches. */
    record Edge(int low, int high, int rule, int to) {
        static final int SKIP = -1;
        static final int BYTE = -2;

        boolean isSkip() {
            return rule == SKIP;
        }

        boolean isByte() {
            return rule == BYTE;
        }
    }

    private record Encoded(CharSet set, boolean isJson) {}

    private final List<List<Edge>> edges = new ArrayList<>();
    private final List<int[]> rules = new ArrayList<>();
    private final Map<Encoded, Integer> encoded = new HashMap<>();
    private final BitSet ends = new BitSet();
    private final BitSet live = new BitSet();
    private int numEdges;

    /** Adds a rule without a body yet; returns its number. The first one is the root. */
    int newRule() {
        int start = newState();
        int end = newState();
        ends.set(end);
        rules.add(new int[] {start, end});
        return rules.size() - 1;
    }

    /** Adds what a rule matches, besides what it matches already. */
    void define(int rule, Expr body) {
        skip(Expr.build(body, this, start(rule)), rules.get(rule)[1]);
    }

    int start(int rule) {
        return rules.get(rule)[0];
    }

    @Override
    public int newState() {
        if (edges.size() == MAX_STATES) {
            throw tooLarge(MAX_STATES + " states");
        }
        edges.add(new ArrayList<>(2));
        return edges.size() - 1;
    }

    private static StructureException tooLarge(String limit) {
        return new StructureException(
                "it needs more than " + limit + ": use fewer or smaller alternatives, lengths and repetition counts");
    }

    private void add(int from, Edge edge) {
        if (++numEdges > MAX_EDGES) {
            throw tooLarge(MAX_EDGES + " transitions");
        }
        edges.get(from).add(edge);
    }

    @Override
    public void skip(int from, int to) {
        add(from, new Edge(0, 0, Edge.SKIP, to));
    }

    @Override
    public void call(int from, int rule, int to) {
        add(from, new Edge(0, 0, rule, to));
    }

    void bytes(int from, int low, int high, int to) {
        add(from, new Edge(low, high, Edge.BYTE, to));
    }

    @Override
    public void chars(int from, CharSet set, int to) {
        encode(from, set, false, to);
    }

    /** A set of characters is a rule of its own, unless it is as small as its call. */
    private void encode(int from, CharSet set, boolean isJson, int to) {
        boolean isSmall = set.numRanges() == 1 && set.last(0) < 0x80;
        if (isSmall && (!isJson || JsonEscapes.areNone(set.first(0), set.last(0)))) {
            bytes(from, set.first(0), set.last(0), to);
            return;
        }
        Encoded key = new Encoded(set, isJson);
        Integer rule = encoded.get(key);
        if (rule == null) {
            rule = newRule();
            encoded.put(key, rule);
            int start = start(rule);
            int end = rules.get(rule)[1];
            for (int i = 0; i < set.numRanges(); i++) {
                if (isJson) {
                    JsonEscapes.add(this, start, set.first(i), set.last(i), end);
                } else {
                    Utf8.add(this, start, set.first(i), set.last(i), end);
                }
            }
        }
        call(from, rule, to);
    }

    @Override
    public void jsonText(int from, CharNfa text, int to) {
        int[] stateOf = new int[text.numStates()];
        Arrays.setAll(stateOf, i -> newState());
        skip(from, stateOf[0]);
        for (int s = 0; s < stateOf.length; s++) {
            for (CharNfa.Edge e : text.edges(s)) {
                encode(stateOf[s], e.set(), true, stateOf[e.to()]);
            }
            for (int next : text.skips(s)) {
                skip(stateOf[s], stateOf[next]);
            }
            if (text.isAccepting(s)) {
                skip(stateOf[s], to);
            }
        }
    }

    /**
     * Removes what leads nowhere, so that whatever has begun can be ended.
     *
     * @throws StructureException if nothing matches the root, or a rule can call itself before it takes a byte
     */
    Grammar finish() {
        findLive();
        if (!live.get(start(0))) {
            throw new StructureException(
                    "nothing can match it: look for contradictions such as a minimum above a maximum");
        }
        for (List<Edge> list : edges) {
            list.removeIf(e -> !live.get(e.to()) || (e.rule() >= 0 && !live.get(start(e.rule()))));
        }
        new LeftRecursion(this).check();
        return this;
    }

    /** Marks the states from which the end of their rule can be reached. */
    private void findLive() {
        List<List<int[]>> into = new ArrayList<>(); // per state: those that go on there, and what they need besides
        edges.forEach(e -> into.add(new ArrayList<>()));
        for (int s = 0; s < edges.size(); s++) {
            for (Edge e : edges.get(s)) {
                int needed = e.rule() >= 0 ? start(e.rule()) : e.to();
                into.get(e.to()).add(new int[] {s, needed});
                if (needed != e.to()) {
                    into.get(needed).add(new int[] {s, e.to()});
                }
            }
        }
        Deque<Integer> todo = new ArrayDeque<>();
        ends.stream().forEach(todo::add);
        live.or(ends);
        while (!todo.isEmpty()) {
            for (int[] before : into.get(todo.remove())) {
                if (live.get(before[1]) && !live.get(before[0])) {
                    live.set(before[0]);
                    todo.add(before[0]);
                }
            }
        }
    }

    int numRules() {
        return rules.size();
    }

    int numStates() {
        return edges.size();
    }

    List<Edge> edges(int state) {
        return edges.get(state);
    }

    /** Returns whether the state is the end of its rule. */
    boolean isEnd(int state) {
        return ends.get(state);
    }

    /** Returns whether nothing but the end of its rule can follow, without a byte. */
    boolean isAtEnd(int state) {
        int s = state;
        while (!ends.get(s)) {
            if (edges.get(s).size() != 1
                    || !edges.get(s).get(0).isSkip()
                    || edges.get(s).get(0).to() == s) {
                return false;
            }
            s = edges.get(s).get(0).to();
        }
        return edges.get(s).isEmpty();
    }
}
