package io.millrace.job;

import io.millrace.operators.WireRecord;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** A record for one topic: key, value and headers as they are, the partition by key. Thread: the sink's. */
final class WireRecordWriter implements KafkaRecordSerializationSchema<WireRecord> {
    private static final long serialVersionUID = 1L;

    private final String topic;

    WireRecordWriter(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(WireRecord r, KafkaSinkContext context, Long timestamp) {
        RecordHeaders headers = new RecordHeaders();
        for (WireRecord.Header h : r.headers) {
            headers.add(h.name, h.value);
        }
        return new ProducerRecord<>(topic, null, null, r.key, r.value, headers);
    }
}
