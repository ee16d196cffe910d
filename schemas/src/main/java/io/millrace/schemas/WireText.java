package io.millrace.schemas;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What bytes, characters and ids must be like on the wire, and how error messages quote them. Any thread. */
final class WireText {
    private static final int QUOTED_CHARS = 80;
    private static final int ESCAPED_CHARS = "\\u0000".length();

    private WireText() {}

    /** Returns the value if there is one of at most {@code limits.maxRequestBytes()}. */
    static byte[] checkSize(byte @Nullable [] value, WireLimits limits) throws WireException {
        if (value == null) {
            throw new WireException("", -1, "the record has no value (a tombstone): send a prompt");
        }
        if (value.length == 0) {
            throw new WireException("", 0, "the value is empty: send a prompt");
        }
        if (value.length > limits.maxRequestBytes()) {
            String reason = String.format(
                    Locale.ROOT,
                    "the value has %,d bytes but the limit is %,d: shorten it or raise max-request-bytes",
                    value.length,
                    limits.maxRequestBytes());
            throw new WireException("", -1, reason);
        }
        return value;
    }

    /** Decodes UTF-8, strictly: nothing is replaced, surrogates and overlong forms are errors. */
    static char[] decode(byte[] value) throws WireException {
        CharsetDecoder decoder = strictDecoder();
        ByteBuffer in = ByteBuffer.wrap(value);
        CharBuffer out = CharBuffer.allocate(value.length); // a byte makes at most one char
        CoderResult result = decoder.decode(in, out, true);
        if (result.isError()) {
            throw notUtf8("", value, in.position());
        }
        char[] chars = new char[out.position()];
        out.flip().get(chars);
        return chars;
    }

    static CharsetDecoder strictDecoder() {
        return StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    static WireException notUtf8(String field, byte[] value, int offset) {
        String found = offset < value.length ? String.format(Locale.ROOT, "byte 0x%02x", value[offset]) : "the end";
        return new WireException(field, offset, "is not UTF-8: " + found + " can't stand here");
    }

    /** Returns how many bytes of UTF-8 the first {@code chars} of well-formed {@code text} take. */
    static long utf8Bytes(CharSequence text, int chars) {
        long bytes = 0;
        for (int i = 0; i < chars; i++) {
            char c = text.charAt(i);
            bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3; // a pair: 2 + 2
        }
        return bytes;
    }

    /** Returns the index of the first surrogate without its partner, −1 if there is none. */
    static int loneSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (isLone(text, i)) {
                return i;
            }
        }
        return -1;
    }

    /** Returns what is wrong with an id: that it is empty or too long; null if nothing. */
    static @Nullable String idProblem(String id, WireLimits limits) {
        if (id.isEmpty()) {
            return "is empty: leave it out or give it 1 to " + limits.maxIdBytes() + " bytes";
        }
        long bytes = utf8Bytes(id, id.length());
        if (bytes > limits.maxIdBytes()) {
            return quote(id) + " has " + bytes + " bytes but the limit is " + limits.maxIdBytes() + ": shorten it";
        }
        return null;
    }

    /** Returns the text in quotes, control characters escaped, cut to what fits a log line. */
    static String quote(String text) {
        return '"' + cut(text) + '"';
    }

    /** Returns the text with control characters escaped, cut to what fits a log line, escapes included. */
    static String cut(String text) {
        StringBuilder out = new StringBuilder(Math.min(text.length(), QUOTED_CHARS) + 8);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean isEscaped = Character.isISOControl(c) || isLone(text, i);
            boolean isFirstOfTwo = !isEscaped && Character.isHighSurrogate(c);
            if (out.length() + (isEscaped ? ESCAPED_CHARS : isFirstOfTwo ? 2 : 1) > QUOTED_CHARS) {
                return out.append('…').toString();
            }
            if (isEscaped) {
                out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static boolean isLone(String text, int i) {
        char c = text.charAt(i);
        if (Character.isHighSurrogate(c)) {
            return i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
        }
        return Character.isLowSurrogate(c) && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
    }
}
