package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.operators.DeadLetters;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * A record of the dead letters' topic, seen through its {@code __llm.errors.*} headers. Any thread.
 *
 * @param record as it lies on the topic: the prompt's key and bytes, the prompt's headers and those of the error
 */
public record DeadLetter(ConsumerRecord<byte[], byte[]> record) {
    /** Returns a header {@code __llm.errors.NAME} as text, empty if it is missing. */
    public String error(String name) {
        Header header = record.headers().lastHeader(DeadLetters.PREFIX + name);
        return header == null || header.value() == null ? "" : new String(header.value(), UTF_8);
    }

    /** Returns where the prompt lies, null if the headers don't say. */
    public @Nullable Position prompt() {
        return Position.parse(error("topic") + "-" + error("partition") + "-" + error("offset"));
    }

    /** Returns where the letter lies. */
    public Position position() {
        return new Position(record.topic(), record.partition(), record.offset());
    }

    /** Returns whether a replay may help. */
    public boolean isRetriable() {
        return error("retriable").equals("true");
    }

    /** Returns whether only the beginning of the prompt is there, so that it can't be replayed. */
    public boolean isTruncated() {
        return !error("truncated").isEmpty();
    }

    /** Returns the key as text, null if there is none. */
    public @Nullable String keyText() {
        return record.key() == null ? null : new String(record.key(), UTF_8);
    }
}
