package io.millrace.engine.text;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The letters that a byte-level vocabulary writes bytes with: printable Latin-1 stands for itself, the other 68 bytes are
 * U+0100, U+0101, … in ascending order. Immutable; any thread.
 */
final class ByteAlphabet {
    private static final char[] LETTERS = new char[256];
    /** [U+0144] i16: byte by letter, −1 for what isn't a letter. */
    private static final short[] BYTES = new short[256 + 68];

    static {
        Arrays.fill(BYTES, (short) -1);
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean isPrintable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
            LETTERS[b] = isPrintable ? (char) b : next++;
            BYTES[LETTERS[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** Returns the letter of a byte, 0 to 255. */
    static String letter(int b) {
        return String.valueOf(LETTERS[b]);
    }

    /** Returns the bytes that a token's letters stand for, null if one isn't a letter. */
    static byte @Nullable [] bytes(String token) {
        byte[] out = new byte[token.length()];
        for (int i = 0; i < out.length; i++) {
            char c = token.charAt(i);
            if (c >= BYTES.length || BYTES[c] < 0) {
                return null;
            }
            out[i] = (byte) BYTES[c];
        }
        return out;
    }
}
