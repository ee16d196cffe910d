package io.millrace.engine.text;

import java.nio.file.Path;

/** SKELETON: byte-level BPE of a tokenizer.json. Immutable apart from a bounded cache; any thread. */
@SuppressWarnings({"DoNotCallSuggester", "ObjectToString"}) // skeleton
public final class Tokenizer {
    private Tokenizer() {}

    /** Reads a tokenizer.json. */
    public static Tokenizer load(Path file) {
        throw new UnsupportedOperationException("skeleton " + file);
    }

    /** Returns the ids of a text; with {@code addedTokens} the added tokens in it are recognised. */
    public int[] encode(String text, boolean addedTokens) {
        throw new UnsupportedOperationException("skeleton " + text + addedTokens);
    }

    /** Returns the text of ids; incomplete UTF-8 becomes U+FFFD. */
    public String decode(int[] ids) {
        throw new UnsupportedOperationException("skeleton " + ids.length);
    }

    /** Returns the bytes that a token stands for (an added token's: its name in UTF-8); empty for an unknown id. */
    public byte[] tokenBytes(int id) {
        throw new UnsupportedOperationException("skeleton " + id);
    }

    /** Returns the largest id + 1. */
    public int numTokens() {
        throw new UnsupportedOperationException("skeleton");
    }
}
