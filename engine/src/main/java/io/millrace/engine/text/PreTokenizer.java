package io.millrace.engine.text;

import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts text into the pieces that BPE never merges across: isolating splits, each applied to the pieces of the one before.
 * Immutable; any thread.
 */
final class PreTokenizer {
    private final List<Pattern> splits;

    PreTokenizer(List<Pattern> splits) {
        this.splits = List.copyOf(splits);
    }

    /** Gives the pieces of a text to {@code sink}, from left to right; together they are the text. */
    void forEachPiece(String text, Consumer<String> sink) {
        String matched = NewCharacters.asOld(text);
        Matcher[] matchers = splits.stream().map(p -> p.matcher(matched)).toArray(Matcher[]::new);
        split(text, 0, text.length(), matchers, 0, sink);
    }

    private static void split(String text, int from, int to, Matcher[] matchers, int level, Consumer<String> sink) {
        if (from == to) {
            return;
        }
        if (level == matchers.length) {
            sink.accept(text.substring(from, to));
            return;
        }
        // A region's bounds are opaque: look-ahead doesn't see beyond the piece, as if the piece were the whole text.
        Matcher matcher = matchers[level].region(from, to);
        int end = from;
        while (matcher.find()) {
            split(text, end, matcher.start(), matchers, level + 1, sink);
            split(text, matcher.start(), matcher.end(), matchers, level + 1, sink);
            end = matcher.end();
        }
        split(text, end, to, matchers, level + 1, sink);
    }
}
