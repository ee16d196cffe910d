package io.millrace.engine.program;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Text with places for earlier results: <code>{name}</code>, <code>{name[3]}</code>, or <code>{name[*]}</code> for all that are
 * numbered, a line each. <code>{{</code> and <code>}}</code> stand for single braces. Immutable.
 */
public record Template(List<Piece> pieces) {
    private static final Pattern PLACE = Pattern.compile("(" + Program.NAME + ")((?:\\[\\d{1,9}])*)(\\[\\*])?");

    /** A part of the text. */
    public sealed interface Piece {
        /** As it is. */
        record Literal(String text) implements Piece {}

        /** An earlier result. */
        record Result(String name) implements Piece {}

        /** All results of a number behind the name, in order. */
        record Each(String name) implements Piece {}
    }

    /** Copies the list. */
    public Template {
        pieces = List.copyOf(pieces);
    }

    /**
     * Reads the written form.
     *
     * @param where path of the text, for messages
     * @throws RejectedException if a brace is alone or holds no name
     */
    public static Template parse(String text, String where) {
        List<Piece> pieces = new ArrayList<>();
        StringBuilder literal = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c == '{' || c == '}') && text.startsWith(String.valueOf(c), i + 1)) {
                literal.append(c);
                i++;
            } else if (c == '{') {
                int end = text.indexOf('}', i);
                String inside = end < 0 ? text.substring(i + 1) : text.substring(i + 1, end);
                Matcher place = PLACE.matcher(inside);
                if (end < 0 || !place.matches()) {
                    throw broken(where, "{" + inside, i);
                }
                pieces.add(new Piece.Literal(literal.toString()));
                literal.setLength(0);
                String name = place.group(1) + place.group(2);
                pieces.add(place.group(3) == null ? new Piece.Result(name) : new Piece.Each(name));
                i = end;
            } else if (c == '}') {
                throw broken(where, "}", i);
            } else {
                literal.append(c);
            }
        }
        pieces.add(new Piece.Literal(literal.toString()));
        pieces.removeIf(p -> p instanceof Piece.Literal l && l.text().isEmpty());
        return new Template(pieces);
    }

    private static RejectedException broken(String where, String found, int at) {
        String cut = found.length() > 40 ? found.substring(0, 40) + "…" : found;
        return new RejectedException(
                Stage.VALIDATE,
                false,
                where + ": \"" + cut + "\" at character " + at
                        + " is no {name} of a result: write {{ and }} for braces themselves");
    }

    /**
     * Puts results in.
     *
     * @param results by name
     * @param maxChars of the text at most
     * @throws RejectedException if the text becomes too long
     */
    String fill(Map<String, String> results, int maxChars) {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            text.append(text(piece, results));
            if (text.length() > maxChars) {
                throw new RejectedException(
                        Stage.VALIDATE,
                        false,
                        String.format(
                                Locale.ROOT,
                                "program has more than %,d characters of text with its results filled in: refer to fewer"
                                        + " or shorter ones",
                                ProgramRun.MAX_CHARS));
            }
        }
        return text.toString();
    }

    private static String text(Piece piece, Map<String, String> results) {
        if (piece instanceof Piece.Literal literal) {
            return literal.text();
        }
        if (piece instanceof Piece.Each each) {
            List<String> values = new ArrayList<>();
            for (String value = results.get(each.name() + "[0]"); value != null; ) {
                values.add(value);
                value = results.get(each.name() + "[" + values.size() + "]");
            }
            return values.stream().collect(Collectors.joining("\n"));
        }
        String name = ((Piece.Result) piece).name();
        String value = results.get(name);
        if (value == null) {
            throw new IllegalStateException("result " + name + " isn't there; ProgramCheck has seen to that");
        }
        return value;
    }
}
