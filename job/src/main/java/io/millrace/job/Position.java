package io.millrace.job;

import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Where a record lies, as {@code topic-partition-offset}: how a completion's provenance and a republished record's header name a
 * prompt.
 */
public record Position(String topic, int partition, long offset) {
    /** Most digits of a number that is parsed: every offset has fewer than this. */
    private static final int MAX_DIGITS = 18;

    /** Returns the position that a text names, null if it names none. A topic's name may hold hyphens. */
    public static @Nullable Position parse(String text) {
        int beforeOffset = text.lastIndexOf('-');
        int beforePartition = text.lastIndexOf('-', beforeOffset - 1);
        if (beforePartition < 1) {
            return null;
        }
        long partition = number(text.substring(beforePartition + 1, beforeOffset));
        long offset = number(text.substring(beforeOffset + 1));
        if (partition < 0 || partition > Integer.MAX_VALUE || offset < 0) {
            return null;
        }
        return new Position(text.substring(0, beforePartition), (int) partition, offset);
    }

    /** Returns a number of digits only, −1 if it isn't one. */
    private static long number(String digits) {
        boolean isNumber = !digits.isEmpty()
                && digits.length() <= MAX_DIGITS
                && digits.chars().allMatch(c -> c >= '0' && c <= '9');
        return isNumber ? Long.parseLong(digits) : -1;
    }

    /** Returns the partition. */
    TopicPartition topicPartition() {
        return new TopicPartition(topic, partition);
    }

    @Override
    public String toString() {
        return topic + "-" + partition + "-" + offset;
    }
}
