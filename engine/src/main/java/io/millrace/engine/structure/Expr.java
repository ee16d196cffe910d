package io.millrace.engine.structure;

import java.util.List;

/**
 * What a regex, a schema or a rule of a grammar is parsed to. Immutable; any thread.
 *
 * <p>{@link #build} turns it into the states and edges of a {@link Graph}, by Thompson's construction.
 */
sealed interface Expr {
    /** {@link Repeat#max} without an upper bound. */
    int UNBOUNDED = -1;

    Expr EMPTY = new Sequence(List.of());

    /** One character of a set. */
    record Chars(CharSet set) implements Expr {}

    /** One after the other. */
    record Sequence(List<Expr> parts) implements Expr {}

    /** One of them; none at all can't be matched. */
    record Choice(List<Expr> options) implements Expr {}

    /** At least {@code min} times, at most {@code max} ({@link #UNBOUNDED}). */
    record Repeat(Expr body, int min, int max) implements Expr {}

    /** What another rule matches. */
    record Call(int rule) implements Expr {}

    /** The inside of a JSON string whose characters, unescaped, match. */
    record JsonText(CharNfa text) implements Expr {}

    /** Where expressions are built. States are numbers from 0. */
    interface Graph {
        /** Adds a state. */
        int newState();

        /** Lets it go on without a character. */
        void skip(int from, int to);

        void chars(int from, CharSet set, int to);

        void call(int from, int rule, int to);

        /** Adds the automaton between two states. */
        void jsonText(int from, CharNfa text, int to);
    }

    static Expr text(String text) {
        return new Sequence(
                text.codePoints().mapToObj(c -> (Expr) new Chars(CharSet.of(c))).toList());
    }

    static Expr seq(Expr... parts) {
        return new Sequence(List.of(parts));
    }

    static Expr anyOf(Expr... options) {
        return new Choice(List.of(options));
    }

    static Expr optional(Expr body) {
        return new Repeat(body, 0, 1);
    }

    static Expr chars(int first, int last) {
        return new Chars(CharSet.range(first, last));
    }

    /** Adds the expression behind a state; returns where it ends. Nothing leads back to {@code from}. */
    static int build(Expr expr, Graph graph, int from) {
        if (expr instanceof Sequence s) {
            int at = from;
            for (Expr part : s.parts()) {
                at = build(part, graph, at);
            }
            return at;
        }
        if (expr instanceof Repeat r) {
            return buildRepeat(r, graph, from);
        }
        int end = graph.newState();
        if (expr instanceof Chars c) {
            graph.chars(from, c.set(), end);
        } else if (expr instanceof Call c) {
            graph.call(from, c.rule(), end);
        } else if (expr instanceof JsonText t) {
            graph.jsonText(from, t.text(), end);
        } else {
            for (Expr option : ((Choice) expr).options()) {
                graph.skip(build(option, graph, from), end);
            }
        }
        return end;
    }

    private static int buildRepeat(Repeat r, Graph graph, int from) {
        int at = from;
        for (int i = 0; i < r.min(); i++) {
            at = build(r.body(), graph, next(graph, at));
        }
        int end = next(graph, at);
        if (r.max() == UNBOUNDED) {
            graph.skip(build(r.body(), graph, end), end);
            return end;
        }
        for (int i = r.min(); i < r.max(); i++) {
            at = build(r.body(), graph, next(graph, at));
            graph.skip(at, end);
        }
        return end;
    }

    /** A state of its own for each repetition, so that the bound on states bounds repetitions of nothing, too. */
    private static int next(Graph graph, int at) {
        int next = graph.newState();
        graph.skip(at, next);
        return next;
    }
}
