package io.millrace.engine.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How JSON values are written: compact, but for an optional blank behind a colon or comma, so that a model has no white space to get
 * lost in. One thread.
 */
final class JsonRules {
    /** Digits behind the point at most. */
    private static final int MAX_FRACTION = 17;

    private static final Expr BLANK = Expr.optional(Expr.text(" "));
    private static final Expr COMMA = Expr.seq(Expr.text(","), BLANK);
    private static final Expr COLON = Expr.seq(Expr.text(":"), BLANK);
    /** The last digit isn't 0: so the number lies between two integers, and is neither. */
    private static final Expr FRACTION =
            Expr.seq(Expr.text("."), new Expr.Repeat(Expr.chars('0', '9'), 0, MAX_FRACTION - 1), Expr.chars('1', '9'));

    private static final Expr EXPONENT = Expr.seq(
            new Expr.Chars(CharSet.ofAll("eE")),
            Expr.optional(new Expr.Chars(CharSet.ofAll("+-"))),
            new Expr.Repeat(Expr.chars('0', '9'), 1, 2));

    /** A name with its value. */
    record Member(Expr name, Expr value, boolean isRequired) {
        Expr expr() {
            return Expr.seq(name, COLON, value);
        }
    }

    private final Grammar grammar;
    private int any = -1;
    private int anyObject = -1;

    JsonRules(Grammar grammar) {
        this.grammar = grammar;
    }

    /** Returns any value. */
    Expr any() {
        defineAny();
        return new Expr.Call(any);
    }

    /** Returns any object. */
    Expr anyObject() {
        defineAny();
        return new Expr.Call(anyObject);
    }

    private void defineAny() {
        if (any >= 0) {
            return;
        }
        any = grammar.newRule();
        anyObject = grammar.newRule();
        Expr value = new Expr.Call(any);
        Expr string = string(List.of(), 0, Expr.UNBOUNDED);
        grammar.define(anyObject, object(List.of(), new Member(string, value, false)));
        grammar.define(
                any,
                Expr.anyOf(
                        new Expr.Call(anyObject),
                        array(List.of(), value, 0, Expr.UNBOUNDED),
                        string,
                        anyNumber(),
                        bool(),
                        Expr.text("null")));
    }

    Expr bool() {
        return Expr.anyOf(Expr.text("true"), Expr.text("false"));
    }

    /** Returns strings in which every pattern is found; lengths count code points. */
    Expr string(List<String> patterns, int min, int max) {
        CharNfa inside = null;
        if (min > 0 || max != Expr.UNBOUNDED || patterns.isEmpty()) {
            if (max != Expr.UNBOUNDED && max < min) {
                return new Expr.Choice(List.of());
            }
            inside = CharNfa.of(new Expr.Repeat(new Expr.Chars(CharSet.ANY), min, max));
        }
        for (String pattern : patterns) {
            CharNfa next = CharNfa.of(RegexParser.search(pattern));
            inside = inside == null ? next : inside.and(next);
        }
        return inside == null ? new Expr.Choice(List.of()) : quoted(inside);
    }

    private static Expr quoted(CharNfa inside) {
        return Expr.seq(Expr.text("\""), new Expr.JsonText(inside), Expr.text("\""));
    }

    Expr nameOtherThan(Set<String> names) {
        return quoted(CharNfa.allBut(names));
    }

    private Expr anyNumber() {
        return Expr.seq(
                Expr.optional(Expr.text("-")),
                Integers.naturals(0, Integers.MAX),
                Expr.optional(FRACTION),
                Expr.optional(EXPONENT));
    }

    /** Returns the numbers within the bounds: integers, and fractions where all between two integers lies within. */
    Expr number(FlatSchema flat) {
        Long low = flat.edge(true);
        Long high = flat.edge(false);
        if (low == null && high == null) {
            return anyNumber();
        }
        long from = low == null ? -Integers.MAX : low;
        long to = high == null ? Integers.MAX : high;
        return Expr.anyOf(
                Integers.between(flat.integerBound(true), flat.integerBound(false)),
                Expr.seq(Integers.naturals(Math.max(0, from), to - 1), FRACTION),
                Expr.seq(Expr.text("-"), Integers.naturals(Math.max(0, -to), -from - 1), FRACTION));
    }

    /** Returns objects with these members in this order, and any number of others behind them. */
    Expr object(List<Member> members, @Nullable Member others) {
        Expr more = others == null ? Expr.EMPTY : new Expr.Repeat(Expr.seq(COMMA, others.expr()), 0, Expr.UNBOUNDED);
        // What may follow the first i members: behind another member, and as the first one. Each is a rule, so that the
        // whole stays
        // as long as the list.
        Expr behind = more;
        Expr first = others == null ? Expr.EMPTY : Expr.optional(Expr.seq(others.expr(), more));
        for (int i = members.size() - 1; i >= 0; i--) {
            Member m = members.get(i);
            Expr rest = shared(behind);
            Expr taken = Expr.seq(m.expr(), rest);
            Expr member = shared(taken);
            behind = m.isRequired() ? Expr.seq(COMMA, member) : Expr.anyOf(Expr.seq(COMMA, member), rest);
            first = m.isRequired() ? member : Expr.anyOf(member, first);
        }
        return Expr.seq(Expr.text("{"), first, Expr.text("}"));
    }

    private Expr shared(Expr body) {
        if (body == Expr.EMPTY) {
            return body;
        }
        int rule = grammar.newRule();
        grammar.define(rule, body);
        return new Expr.Call(rule);
    }

    /** Returns arrays that begin with {@code prefix}, as far as they go, with {@code min} to {@code max} items. */
    Expr array(List<Expr> prefix, Expr item, int min, int max) {
        if (max != Expr.UNBOUNDED && max < min) {
            return new Expr.Choice(List.of());
        }
        int numPrefix = prefix.size();
        int leastRest = Math.max(0, min - numPrefix);
        int mostRest = max == Expr.UNBOUNDED ? Expr.UNBOUNDED : Math.max(0, max - numPrefix);
        Expr tail;
        if (numPrefix == 0) {
            int least = Math.max(0, leastRest - 1);
            int most = mostRest == Expr.UNBOUNDED ? Expr.UNBOUNDED : Math.max(0, mostRest - 1);
            Expr some = Expr.seq(item, new Expr.Repeat(Expr.seq(COMMA, item), least, most));
            tail = mostRest == 0 ? Expr.EMPTY : leastRest > 0 ? some : Expr.optional(some);
        } else {
            tail = new Expr.Repeat(Expr.seq(COMMA, item), leastRest, mostRest);
            for (int i = numPrefix - 1; i >= 0; i--) {
                Expr here = Expr.seq(i == 0 ? Expr.EMPTY : COMMA, prefix.get(i), tail);
                tail = min > i ? here : Expr.optional(here);
            }
        }
        return Expr.seq(Expr.text("["), tail, Expr.text("]"));
    }

    String quoted(String text) {
        return JsonEscapes.quoted(text);
    }

    /** Returns a value without white space. */
    String compact(JsonNode value) {
        if (value.isTextual()) {
            return quoted(value.textValue());
        }
        StringBuilder out = new StringBuilder();
        if (value.isArray()) {
            for (JsonNode item : value) {
                out.append(out.length() == 0 ? "" : ",").append(compact(item));
            }
            return "[" + out + "]";
        }
        if (value.isObject()) {
            value.properties()
                    .forEach(e -> out.append(out.length() == 0 ? "" : ",")
                            .append(quoted(e.getKey()))
                            .append(':')
                            .append(compact(e.getValue())));
            return "{" + out + "}";
        }
        return value.toString();
    }
}
