package io.millrace.engine.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Translates the regex of a Split pre-tokenizer (Oniguruma's dialect) to Java's. Stateless; any thread.
 *
 * <p>Accepts only what means the same in both and what Java matches in a loop: it recurses, once a repetition, on a
 * quantified group, so that a long text overflows the stack. Everything that DeepSeek's tokenizers use is inside the subset.
 */
final class SplitPattern {
    /** The categories that {@link NewCharacters} brings up to date; other properties have other names in Java. */
    private static final Pattern CATEGORY = Pattern.compile("\\{[LMNPS]}");

    private final String regex;
    private final StringBuilder java = new StringBuilder();
    private int at;

    private SplitPattern(String regex) {
        this.regex = regex;
    }

    /**
     * Returns the pattern, to be used without flags.
     *
     * @throws IllegalArgumentException if the regex is outside the subset; the message names the construct
     */
    static Pattern compile(String regex) {
        return new SplitPattern(regex).translate();
    }

    private Pattern translate() {
        boolean isInClass = false;
        while (at < regex.length()) {
            char c = regex.charAt(at++);
            if (c == '\\') {
                escape();
                continue;
            }
            if (isInClass) {
                refuseIf(c == '[', "a class inside a class");
                refuseIf(c == '&' && peek() == '&', "an intersection of classes");
                isInClass = c != ']';
            } else {
                isInClass = c == '[';
                outsideClass(c);
            }
            java.append(c);
        }
        return Pattern.compile(java.toString());
    }

    private void outsideClass(char c) {
        refuseIf(c == '.' || c == '^' || c == '$', "'" + c + "'");
        if (c == '(' && peek() == '?') {
            char kind = at + 1 < regex.length() ? regex.charAt(at + 1) : 0;
            refuseIf(kind != '!' && kind != '=' && kind != ':', "(?" + kind);
        }
        refuseIf(c == ')' && "*+?{".indexOf(peek()) >= 0, "a group that repeats");
        refuseIf(c == '}' && peek() == '+', "a possessive interval");
    }

    /** Translates what follows a backslash. */
    private void escape() {
        refuseIf(at == regex.length(), "a backslash at the end");
        char c = regex.charAt(at++);
        switch (c) {
            case 's' -> java.append("\\p{IsWhite_Space}"); // Java's own \s is ASCII
            case 'S' -> java.append("\\P{IsWhite_Space}");
            case 'p', 'P' -> {
                Matcher name = CATEGORY.matcher(regex).region(at, regex.length());
                refuseIf(!name.lookingAt(), "a property other than L, M, N, P or S");
                java.append('\\').append(c).append(name.group());
                at = name.end();
            }
            default -> {
                refuseIf(Character.isLetterOrDigit(c) && "rnt".indexOf(c) < 0, "\\" + c);
                java.append('\\').append(c);
            }
        }
    }

    private char peek() {
        return at < regex.length() ? regex.charAt(at) : 0;
    }

    private static void refuseIf(boolean isOutside, String construct) {
        if (isOutside) {
            throw new IllegalArgumentException(construct);
        }
    }
}
