package io.millrace.engine.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds added tokens in text by exact match: from left to right, the longest at each place. Immutable; any thread.
 *
 * <p>As in Hugging Face's library, the tokens that aren't "normalized" (DeepSeek's special ones) are cut out of the whole
 * text first, the others of what is left.
 */
final class AddedTokens {
    /** The id given for a stretch without added tokens. */
    static final int PLAIN = -1;

    private final List<Node> rounds = new ArrayList<>();

    AddedTokens(List<TokenizerJson.Added> tokens) {
        for (boolean isNormalized : new boolean[] {false, true}) {
            Node root = new Node();
            for (TokenizerJson.Added token : tokens) {
                if (token.isNormalized() == isNormalized) {
                    root.put(token.content(), token.id());
                }
            }
            rounds.add(root);
        }
    }

    /** Takes one stretch {@code text[from, to)} of the text: an added token, or {@link #PLAIN}. */
    interface Sink {
        void accept(int from, int to, int id);
    }

    /** Gives the non-empty stretches of the text to {@code sink}, from left to right. */
    void cut(String text, Sink sink) {
        cut(text, 0, text.length(), 0, sink);
    }

    private void cut(String text, int from, int to, int round, Sink sink) {
        if (from == to) {
            return;
        }
        if (round == rounds.size()) {
            sink.accept(from, to, PLAIN);
            return;
        }
        int end = from;
        for (int i = from; i < to; ) {
            Match match = rounds.get(round).longestAt(text, i, to);
            if (match == null) {
                i++;
                continue;
            }
            cut(text, end, i, round + 1, sink);
            sink.accept(i, match.end(), match.id());
            i = match.end();
            end = i;
        }
        cut(text, end, to, round + 1, sink);
    }

    private record Match(int end, int id) {}

    /** A trie, one character a level. */
    private static final class Node {
        private final Map<Character, Node> children = new HashMap<>();
        private int id = PLAIN;

        void put(String content, int id) {
            Node node = this;
            for (int i = 0; i < content.length(); i++) {
                node = node.children.computeIfAbsent(content.charAt(i), c -> new Node());
            }
            node.id = id;
        }

        @Nullable
        Match longestAt(String text, int from, int to) {
            Match longest = null;
            Node node = this;
            for (int i = from; i < to; i++) {
                node = node.children.get(text.charAt(i));
                if (node == null) {
                    break;
                }
                if (node.id != PLAIN) {
                    longest = new Match(i + 1, node.id);
                }
            }
            return longest;
        }
    }
}
