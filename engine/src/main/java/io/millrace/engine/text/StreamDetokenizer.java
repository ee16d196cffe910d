package io.millrace.engine.text;

/**
 * Decodes one sample's tokens to text as they come. Not thread-safe: one sample, one thread at a time.
 *
 * <p>A token may end inside a character: its bytes are held back until the character is complete, so nothing that was given
 * out changes later. Bytes that can never complete become U+FFFD, one for each maximal well-formed start (Unicode 3.9, the
 * practice of Rust's and Python's decoders; the JDK's differs on encoded surrogates).
 */
public final class StreamDetokenizer {
    private static final char REPLACEMENT = '\uFFFD';

    private final Tokenizer tokenizer;
    /** Bits of the character that is being read. */
    private int point;
    /** Bytes that it still needs; 0 between characters. */
    private int missing;
    /** Range of the next continuation byte; narrower after E0, ED, F0 and F4. */
    private int low;

    private int high;

    /** Starts a text. */
    public StreamDetokenizer(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** Returns the whole characters that are complete with this token; empty if none is, or the id is unknown. */
    public String append(int tokenId) {
        StringBuilder out = new StringBuilder();
        for (byte b : tokenizer.bytesOf(tokenId)) {
            append(b & 0xFF, out);
        }
        return out.toString();
    }

    /** Returns U+FFFD if a character is incomplete, else nothing. The next token starts a new text. */
    public String finish() {
        boolean isIncomplete = missing > 0;
        missing = 0;
        return isIncomplete ? String.valueOf(REPLACEMENT) : "";
    }

    /** Returns whether no character is incomplete. */
    boolean isBetweenCharacters() {
        return missing == 0;
    }

    private void append(int b, StringBuilder out) {
        if (missing > 0) {
            if (b >= low && b <= high) {
                point = (point << 6) | (b & 0x3F);
                low = 0x80;
                high = 0xBF;
                if (--missing == 0) {
                    out.appendCodePoint(point);
                }
                return;
            }
            out.append(REPLACEMENT); // the character breaks off; this byte starts another
            missing = 0;
        }
        start(b, out);
    }

    private void start(int b, StringBuilder out) {
        low = 0x80;
        high = 0xBF;
        if (b < 0x80) {
            out.append((char) b);
        } else if (b >= 0xC2 && b <= 0xDF) {
            begin(b & 0x1F, 1);
        } else if (b >= 0xE0 && b <= 0xEF) {
            low = b == 0xE0 ? 0xA0 : 0x80; // no overlong forms
            high = b == 0xED ? 0x9F : 0xBF; // no surrogates
            begin(b & 0x0F, 2);
        } else if (b >= 0xF0 && b <= 0xF4) {
            low = b == 0xF0 ? 0x90 : 0x80;
            high = b == 0xF4 ? 0x8F : 0xBF; // not above U+10FFFF
            begin(b & 0x07, 3);
        } else {
            out.append(REPLACEMENT);
        }
    }

    private void begin(int bits, int numMissing) {
        point = bits;
        missing = numMissing;
    }
}
