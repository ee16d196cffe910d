package io.millrace.operators;

import io.millrace.engine.RejectedException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Requests that can't be answered: the prompt's record as it came, and why in headers {@code __llm.errors.*}. Position and
 * timestamp in them are the prompt's own, so that a replay can be ordered and traced. Any thread.
 */
public final class DeadLetters {
    /** The side output. */
    public static final OutputTag<WireRecord> TAG =
            new OutputTag<>("dead-letters", TypeInformation.of(WireRecord.class));

    /** What all headers begin with. */
    public static final String PREFIX = "__llm.errors.";

    /** Bytes that are kept of a value above the limit. */
    public static final int TRUNCATED_BYTES = 64 << 10;

    /** Chars of a message that are kept: it may quote the prompt. */
    private static final int MAX_MESSAGE_CHARS = 2000;

    private DeadLetters() {}

    /**
     * Makes a dead letter.
     *
     * @param prompt the record as it came; headers of an earlier dead letter (a replay's) are replaced
     * @param cause why
     * @param maxValueBytes bytes of a value that the dead letters' topic takes; a longer value is cut to its first
     *     {@link #TRUNCATED_BYTES}, and {@code __llm.errors.truncated} says how many it had
     */
    static WireRecord of(WireRecord prompt, RejectedException cause, int maxValueBytes) {
        WireRecord letter = prompt.copy();
        letter.headers.removeIf(h -> h.name.startsWith(PREFIX));
        Throwable root = cause.getCause() != null ? cause.getCause() : cause;
        add(letter, "stage", cause.stage().wireName());
        add(letter, "class", root.getClass().getName());
        add(letter, "message", bounded(String.valueOf(cause.getMessage())));
        add(letter, "topic", prompt.topic);
        add(letter, "partition", Integer.toString(prompt.partition));
        add(letter, "offset", Long.toString(prompt.offset));
        add(letter, "timestamp", Long.toString(prompt.timestamp));
        add(letter, "attempt", Integer.toString(earlierAttempts(prompt) + 1));
        add(letter, "retriable", Boolean.toString(cause.isRetriable()));
        byte[] value = prompt.value;
        if (value != null && (prompt.fullBytes >= 0 || value.length > maxValueBytes)) {
            add(letter, "truncated", Long.toString(prompt.fullBytes >= 0 ? prompt.fullBytes : value.length));
            letter.value = Arrays.copyOf(value, Math.min(value.length, TRUNCATED_BYTES));
        }
        return letter;
    }

    /** Returns whether a header is one of a dead letter's. */
    static boolean isErrorHeader(WireRecord.Header header) {
        return header.name.startsWith(PREFIX);
    }

    private static void add(WireRecord letter, String name, String value) {
        letter.headers.add(new WireRecord.Header(PREFIX + name, value.getBytes(StandardCharsets.UTF_8)));
    }

    private static String bounded(String message) {
        if (message.length() <= MAX_MESSAGE_CHARS) {
            return message;
        }
        boolean isInPair = Character.isHighSurrogate(message.charAt(MAX_MESSAGE_CHARS - 1));
        return message.substring(0, isInPair ? MAX_MESSAGE_CHARS - 1 : MAX_MESSAGE_CHARS) + "…";
    }

    /** Returns the attempt that a replayed record says; 0 for a new one, also if the header is no number in range. */
    private static int earlierAttempts(WireRecord prompt) {
        WireRecord.@Nullable Header header = prompt.header(PREFIX + "attempt");
        if (header == null || header.value == null || header.value.length > 9) {
            return 0;
        }
        int attempts = 0;
        for (byte digit : header.value) {
            if (digit < '0' || digit > '9') {
                return 0;
            }
            attempts = attempts * 10 + digit - '0';
        }
        return attempts;
    }
}
