package io.millrace.bench;

/** Text inside HTML and SVG. */
final class Html {
    private Html() {}

    /** Returns text that stands for itself between tags and in quoted attributes. */
    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
