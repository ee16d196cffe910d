package io.millrace.job;

import io.millrace.operators.WireRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** A Kafka record as it is: nothing is decoded here, so nothing can fail here. Thread: the source's. */
final class WireRecordReader implements KafkaRecordDeserializationSchema<WireRecord> {
    private static final long serialVersionUID = 1L;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<WireRecord> out) {
        WireRecord r = new WireRecord();
        r.topic = record.topic();
        r.partition = record.partition();
        r.offset = record.offset();
        r.timestamp = record.timestamp();
        r.key = record.key();
        r.value = record.value();
        for (Header h : record.headers()) {
            r.headers.add(new WireRecord.Header(h.key(), h.value()));
        }
        out.collect(r);
    }

    @Override
    public TypeInformation<WireRecord> getProducedType() {
        return TypeInformation.of(WireRecord.class);
    }
}
