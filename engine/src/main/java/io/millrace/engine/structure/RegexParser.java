package io.millrace.engine.structure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads regular expressions: the part of ECMA-262's syntax that describes a regular language. Look-around, back references and word
 * borders are refused; {@code ^} and {@code $} may stand at the ends of the whole or of its alternatives. One thread, used once.
 */
final class RegexParser {
    /** Characters of an expression at most. */
    static final int MAX_CHARS = 10_000;

    private static final int MAX_DEPTH = 200;
    private static final CharSet DIGIT = CharSet.range('0', '9');
    private static final CharSet WORD =
            CharSet.union(List.of(DIGIT, CharSet.range('a', 'z'), CharSet.range('A', 'Z'), CharSet.of('_')));
    private static final CharSet SPACE = CharSet.ofAll(
                    "\t\n\u000b\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff")
            .or(CharSet.range(0x2000, 0x200A));
    private static final CharSet NO_LINE_END = CharSet.ofAll("\n\r\u2028\u2029").negate();
    private static final Map<Integer, CharSet> CLASSES = Map.of(
            (int) 'd',
            DIGIT,
            (int) 'D',
            DIGIT.negate(),
            (int) 'w',
            WORD,
            (int) 'W',
            WORD.negate(),
            (int) 's',
            SPACE,
            (int) 'S',
            SPACE.negate());
    private static final Map<Integer, Integer> CONTROLS =
            Map.of((int) 'n', 10, (int) 'r', 13, (int) 't', 9, (int) 'f', 12, (int) 'v', 11, (int) '0', 0);
    private static final Expr ANYTHING = new Expr.Repeat(new Expr.Chars(CharSet.ANY), 0, Expr.UNBOUNDED);

    private final String source;
    private final int[] text;
    private final boolean isSearch;
    private int at;
    private int depth;

    private RegexParser(String source, boolean isSearch) {
        this.source = source;
        this.isSearch = isSearch;
        text = source.codePoints().toArray();
    }

    /** Returns what the whole text must match. */
    static Expr whole(String regex) {
        return new RegexParser(regex, false).parse();
    }

    /** Returns what the text must match so that the expression is found somewhere in it, as {@code pattern} means it. */
    static Expr search(String regex) {
        return new RegexParser(regex, true).parse();
    }

    private Expr parse() {
        if (text.length > MAX_CHARS) {
            throw new StructureException(
                    "a regex has " + text.length + " characters but the limit is " + MAX_CHARS + ": shorten it");
        }
        Expr e = alternatives(true);
        if (at < text.length) {
            throw error("\")\" closes nothing");
        }
        return e;
    }

    private Expr alternatives(boolean isTop) {
        if (++depth > MAX_DEPTH) {
            throw error("groups nest deeper than " + MAX_DEPTH);
        }
        List<Expr> options = new ArrayList<>();
        do {
            options.add(sequence(isTop));
        } while (take('|'));
        depth--;
        return options.size() == 1 ? options.get(0) : new Expr.Choice(options);
    }

    private Expr sequence(boolean isTop) {
        List<Expr> parts = new ArrayList<>();
        boolean isBegun = isTop && take('^');
        boolean isEnded = false;
        while (at < text.length && text[at] != '|' && text[at] != ')') {
            boolean isLast = at + 1 == text.length || text[at + 1] == '|';
            if (isTop && text[at] == '$' && isLast) {
                at++;
                isEnded = true;
                break;
            }
            parts.add(repeated(atom()));
        }
        if (isTop && isSearch && !isBegun) {
            parts.add(0, ANYTHING);
        }
        if (isTop && isSearch && !isEnded) {
            parts.add(ANYTHING);
        }
        return new Expr.Sequence(parts);
    }

    private Expr repeated(Expr body) {
        if (at == text.length) {
            return body;
        }
        Expr out = switch (text[at]) {
            case '*' -> new Expr.Repeat(body, 0, Expr.UNBOUNDED);
            case '+' -> new Expr.Repeat(body, 1, Expr.UNBOUNDED);
            case '?' -> new Expr.Repeat(body, 0, 1);
            case '{' -> counted(body);
            default -> body;
        };
        if (out != body) {
            at++;
            take('?'); // lazy: the same texts match
            if (at < text.length && "*+?{".indexOf(text[at]) >= 0) {
                throw error("a repetition is repeated: put it in a group");
            }
        }
        return out;
    }

    /** Leaves {@link #at} on the closing brace. */
    private Expr counted(Expr body) {
        at++;
        int min = count();
        int max = min;
        if (take(',')) {
            max = at < text.length && text[at] == '}' ? Expr.UNBOUNDED : count();
        }
        if (at == text.length || text[at] != '}') {
            throw error("a repetition isn't {n}, {n,} or {n,m}");
        }
        if (max != Expr.UNBOUNDED && max < min) {
            throw error("a repetition has " + min + " as minimum but " + max + " as maximum");
        }
        return new Expr.Repeat(body, min, max);
    }

    private int count() {
        int value = -1;
        while (at < text.length && text[at] >= '0' && text[at] <= '9') {
            value = Math.max(0, value) * 10 + text[at++] - '0';
            if (value > CharNfa.MAX_STATES) {
                throw error("a repetition count is above " + CharNfa.MAX_STATES);
            }
        }
        if (value < 0) {
            throw error("a repetition isn't {n}, {n,} or {n,m}");
        }
        return value;
    }

    private Expr atom() {
        int c = text[at++];
        switch (c) {
            case '(' -> {
                if (take('?') && !take(':')) {
                    throw error("\"(?\" is supported as \"(?:\" only");
                }
                Expr group = alternatives(false);
                if (!take(')')) {
                    throw error("a \"(\" isn't closed");
                }
                return group;
            }
            case '[' -> {
                return new Expr.Chars(set());
            }
            case '.' -> {
                return new Expr.Chars(NO_LINE_END);
            }
            case '\\' -> {
                return new Expr.Chars(escape());
            }
            case '^', '$' ->
                throw error("\"" + (char) c + "\" is supported at the ends of the expression or its alternatives only");
            case '*', '+', '?', '{' -> throw error("\"" + (char) c + "\" repeats nothing");
            default -> {
                return new Expr.Chars(CharSet.of(c));
            }
        }
    }

    private CharSet set() {
        boolean isNegated = take('^');
        List<CharSet> parts = new ArrayList<>();
        while (at < text.length && text[at] != ']') {
            int from = text[at++];
            CharSet first = from == '\\' ? escape() : CharSet.of(from);
            boolean isRange = at + 1 < text.length && text[at] == '-' && text[at + 1] != ']';
            if (!isRange) {
                parts.add(first);
                continue;
            }
            at++;
            int to = text[at++];
            CharSet last = to == '\\' ? escape() : CharSet.of(to);
            if (!isOne(first) || !isOne(last) || last.first(0) < first.first(0)) {
                throw error("a range of characters goes backwards or from a class");
            }
            parts.add(CharSet.range(first.first(0), last.first(0)));
        }
        if (!take(']')) {
            throw error("a \"[\" isn't closed");
        }
        CharSet all = CharSet.union(parts);
        return isNegated ? all.negate() : all;
    }

    private static boolean isOne(CharSet set) {
        return set.numRanges() == 1 && set.first(0) == set.last(0);
    }

    private CharSet escape() {
        if (at == text.length) {
            throw error("it ends with a backslash");
        }
        int c = text[at++];
        CharSet known = CLASSES.get(c);
        if (known != null) {
            return known;
        }
        Integer control = CONTROLS.get(c);
        if (control != null) {
            return CharSet.of(control);
        }
        if (c == 'x' || c == 'u') {
            return CharSet.of(hex(c == 'x' ? 2 : 4));
        }
        if (Character.isLetterOrDigit(c)) {
            throw error("\"\\" + Character.toString(c) + "\" is not supported");
        }
        return CharSet.of(c);
    }

    private int hex(int numDigits) {
        int value = 0;
        for (int i = 0; i < numDigits; i++) {
            int digit = at < text.length ? Character.digit(text[at++], 16) : -1;
            if (digit < 0) {
                throw error("\"\\x\" needs 2 and \"\\u\" 4 hexadecimal digits");
            }
            value = 16 * value + digit;
        }
        return value;
    }

    private boolean take(int c) {
        if (at < text.length && text[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    private StructureException error(String what) {
        String shown = source.length() > 60 ? source.substring(0, 60) + "…" : source;
        return new StructureException("regex \"" + shown + "\" near character " + at + ": " + what);
    }
}
