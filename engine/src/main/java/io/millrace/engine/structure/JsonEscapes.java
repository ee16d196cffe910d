package io.millrace.engine.structure;

/** How characters stand in a JSON string: escaped where JSON asks for it, and nowhere else. Any thread. */
final class JsonEscapes {
    private static final String SHORT = "\"\\\b\f\n\r\t";
    private static final String LETTERS = "\"\\bfnrt";

    private JsonEscapes() {}

    /** Returns whether no character of the range is escaped. */
    static boolean areNone(int first, int last) {
        return first >= 0x20 && !(first <= '"' && '"' <= last) && !(first <= '\\' && '\\' <= last);
    }

    /** Adds the range between two states. */
    static void add(Grammar grammar, int from, int first, int last, int to) {
        int plainFrom = first;
        for (int c = first; c <= Math.min(last, '\\'); c++) {
            if (c < 0x20 || c == '"' || c == '\\') {
                if (plainFrom < c) {
                    Utf8.add(grammar, from, plainFrom, c - 1, to);
                }
                plainFrom = c + 1;
                escape(grammar, from, c, to);
            }
        }
        if (plainFrom <= last) {
            Utf8.add(grammar, from, plainFrom, last, to);
        }
    }

    private static void escape(Grammar grammar, int from, int c, int to) {
        int at = grammar.newState();
        grammar.bytes(from, '\\', '\\', at);
        int known = SHORT.indexOf(c);
        String rest = known >= 0
                ? LETTERS.substring(known, known + 1)
                : "u00" + Character.forDigit(c >> 4, 16) + Character.forDigit(c & 15, 16);
        for (int i = 0; i < rest.length(); i++) {
            int next = i == rest.length() - 1 ? to : grammar.newState();
            grammar.bytes(at, rest.charAt(i), rest.charAt(i), next);
            at = next;
        }
    }

    /** Returns a text as the inside of a JSON string. */
    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.chars().forEach(c -> {
            int known = SHORT.indexOf(c);
            if (known >= 0) {
                out.append('\\').append(LETTERS.charAt(known));
            } else if (c < 0x20) {
                out.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            } else {
                out.append((char) c);
            }
        });
        return out.append('"').toString();
    }
}
