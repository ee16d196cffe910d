package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.operators.WireRecord;
import java.util.Arrays;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * A record for one topic: key, value and headers as they are, the partition by key.
 *
 * <p>A value above the limit keeps its first 64 KiB and says so in a header. Only dead letters can be that large: the operator
 * turns a completion above the limit into one. Thread: the sink's.
 */
final class WireRecordWriter implements KafkaRecordSerializationSchema<WireRecord> {
    private static final long serialVersionUID = 1L;
    /** Header of a shortened value; its value is the length that it had. */
    static final String TRUNCATED = "__llm.errors.truncated";

    private static final int KEPT_BYTES = 64 << 10;

    private final String topic;
    private final long maxValueBytes;

    WireRecordWriter(String topic, long maxValueBytes) {
        this.topic = topic;
        this.maxValueBytes = maxValueBytes;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(WireRecord r, KafkaSinkContext context, Long timestamp) {
        RecordHeaders headers = new RecordHeaders();
        for (WireRecord.Header h : r.headers) {
            headers.add(h.name, h.value);
        }
        byte[] value = r.value;
        if (value != null && value.length > maxValueBytes) {
            headers.add(TRUNCATED, Integer.toString(value.length).getBytes(UTF_8));
            value = Arrays.copyOf(value, KEPT_BYTES);
        }
        return new ProducerRecord<>(topic, null, null, r.key, value, headers);
    }
}
