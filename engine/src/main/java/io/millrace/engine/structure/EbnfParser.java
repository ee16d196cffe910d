package io.millrace.engine.structure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads grammars in the EBNF that vLLM's {@code guided_grammar} takes: rules {@code name ::= expression}, the first to be matched is
 * {@code root}. An expression has alternatives ({@code |}), strings in double quotes, character sets as in a regex ({@code [a-z]},
 * {@code [^"]}), names, groups, and {@code * + ? {n} {n,} {n,m}} behind them; {@code #} starts a comment. One thread, used once.
 */
final class EbnfParser {
    private static final int MAX_DEPTH = 200;
    private static final Map<Integer, String> ESCAPES = Map.of((int) 'n', "\n", (int) 'r', "\r", (int) 't', "\t");

    private final Grammar grammar;
    private final int[] text;
    /** By name; a rule may be called before it is defined. */
    private final Map<String, Integer> ruleOf = new LinkedHashMap<>();

    private final Map<String, Expr> bodies = new HashMap<>();
    private int at;
    private int depth;

    private EbnfParser(String source, Grammar grammar) {
        this.grammar = grammar;
        text = source.codePoints().toArray();
    }

    /** Returns a call of {@code root}, all rules added to the grammar. */
    static Expr parse(String source, Grammar grammar) {
        return new EbnfParser(source, grammar).parse();
    }

    private Expr parse() {
        skipBlanks();
        while (at < text.length) {
            String name = name();
            skipBlanks();
            if (!take("::=")) {
                throw error("behind the name " + name + " there is no \"::=\"");
            }
            Expr body = alternatives();
            if (bodies.putIfAbsent(name, body) != null) {
                throw error("rule " + name + " is defined twice");
            }
        }
        if (!bodies.containsKey("root")) {
            throw error("there is no rule root");
        }
        Expr root = new Expr.Call(rule("root"));
        ruleOf.forEach((name, rule) -> {
            Expr body = bodies.get(name);
            if (body == null) {
                throw error("rule " + name + " is used but not defined");
            }
            grammar.define(rule, body);
        });
        return root;
    }

    private int rule(String name) {
        return ruleOf.computeIfAbsent(name, k -> grammar.newRule());
    }

    private Expr alternatives() {
        if (++depth > MAX_DEPTH) {
            throw error("groups nest deeper than " + MAX_DEPTH);
        }
        List<Expr> options = new ArrayList<>();
        do {
            options.add(sequence());
        } while (take("|"));
        depth--;
        return options.size() == 1 ? options.get(0) : new Expr.Choice(options);
    }

    private Expr sequence() {
        List<Expr> parts = new ArrayList<>();
        skipBlanks();
        while (at < text.length && text[at] != '|' && text[at] != ')' && !isRuleBegun()) {
            parts.add(repeated(atom()));
            skipBlanks();
        }
        return new Expr.Sequence(parts);
    }

    /** Whether a name with {@code ::=} behind it comes. */
    private boolean isRuleBegun() {
        int start = at;
        while (at < text.length && isNamePart(text[at])) {
            at++;
        }
        boolean isName = at > start;
        skipBlanks();
        boolean isBegun = isName && take("::=");
        at = start;
        return isBegun;
    }

    private Expr atom() {
        int c = text[at];
        if (c == '"') {
            return string();
        }
        if (c == '[') {
            int start = at++;
            while (at < text.length && text[at] != ']') {
                at += text[at] == '\\' ? 2 : 1;
            }
            if (at >= text.length) {
                throw error("a \"[\" isn't closed");
            }
            at++;
            return RegexParser.whole(new String(text, start, at - start));
        }
        if (c == '(') {
            at++;
            Expr group = alternatives();
            if (!take(")")) {
                throw error("a \"(\" isn't closed");
            }
            return group;
        }
        return new Expr.Call(rule(name()));
    }

    private Expr string() {
        StringBuilder out = new StringBuilder();
        at++;
        while (at < text.length && text[at] != '"') {
            int c = text[at++];
            if (c != '\\') {
                out.appendCodePoint(c);
            } else if (at < text.length) {
                int escaped = text[at++];
                if (escaped == 'x' || escaped == 'u') {
                    out.appendCodePoint(hex(escaped == 'x' ? 2 : 4));
                } else {
                    out.append(ESCAPES.getOrDefault(escaped, Character.toString(escaped)));
                }
            }
        }
        if (at >= text.length) {
            throw error("a string isn't closed");
        }
        at++;
        return Expr.text(out.toString());
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

    private Expr repeated(Expr body) {
        if (take("*")) {
            return new Expr.Repeat(body, 0, Expr.UNBOUNDED);
        }
        if (take("+")) {
            return new Expr.Repeat(body, 1, Expr.UNBOUNDED);
        }
        if (take("?")) {
            return new Expr.Repeat(body, 0, 1);
        }
        if (!take("{")) {
            return body;
        }
        int min = count();
        int max = min;
        if (take(",")) {
            max = at < text.length && text[at] == '}' ? Expr.UNBOUNDED : count();
        }
        if (!take("}") || (max != Expr.UNBOUNDED && max < min)) {
            throw error("a repetition isn't {n}, {n,} or {n,m} with n at most m");
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
            throw error("a repetition has no count");
        }
        return value;
    }

    private String name() {
        int start = at;
        while (at < text.length && isNamePart(text[at])) {
            at++;
        }
        if (at == start) {
            throw error(
                    at == text.length ? "it ends too early" : "\"" + Character.toString(text[at]) + "\" is unexpected");
        }
        return new String(text, start, at - start);
    }

    private static boolean isNamePart(int c) {
        return c < 0x80 && (Character.isLetterOrDigit(c) || c == '_' || c == '-' || c == '.');
    }

    private void skipBlanks() {
        while (at < text.length && (Character.isWhitespace(text[at]) || text[at] == '#')) {
            if (text[at] == '#') {
                while (at < text.length && text[at] != '\n') {
                    at++;
                }
            } else {
                at++;
            }
        }
    }

    private boolean take(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (at + i >= text.length || text[at + i] != word.charAt(i)) {
                return false;
            }
        }
        at += word.length();
        return true;
    }

    private StructureException error(String what) {
        int line = 1;
        for (int i = 0; i < Math.min(at, text.length); i++) {
            line += text[i] == '\n' ? 1 : 0;
        }
        return new StructureException("line " + line + ": " + what);
    }
}
