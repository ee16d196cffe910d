package io.millrace.job;

import io.millrace.operators.WireRecord;
import java.util.Locale;
import java.util.Objects;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * The pipeline's ends on Kafka. Bytes, keys, headers and null values pass untouched in both directions.
 *
 * <p>The sinks of completions and dead letters are exactly-once: what they wrote since the last checkpoint lies in a transaction that the next checkpoint commits.
 * Transaction ids are never reused (INCREMENTING), so that a broker can still be asked later what became of one.
 */
final class KafkaEnds {
    /** What a record may carry beside its value: key and headers. */
    private static final int RECORD_OVERHEAD_BYTES = 256 << 10;

    private final JobOptions options;

    KafkaEnds(JobOptions options) {
        this.options = options;
    }

    /** Returns the source of prompts. */
    KafkaSource<WireRecord> prompts() {
        KafkaSourceBuilder<WireRecord> source = KafkaSource.<WireRecord>builder()
                .setProperties(options.kafkaProperties())
                .setTopics(options.get(JobOptions.PROMPTS_TOPIC))
                .setGroupId(options.get(JobOptions.GROUP_ID))
                .setClientIdPrefix(options.get(JobOptions.GROUP_ID) + "-prompts")
                .setStartingOffsets(startingOffsets())
                .setDeserializer(new WireRecordReader())
                .setProperty("isolation.level", "read_committed")
                .setProperty(
                        "register.consumer.metrics", "false"); // else one name-collision warning per metric and subtask
        if (options.get(JobOptions.BOUNDED)) {
            source.setBounded(OffsetsInitializer.latest());
        }
        return source.build();
    }

    private OffsetsInitializer startingOffsets() {
        return switch (options.get(JobOptions.STARTING_OFFSETS)) {
            case "earliest" -> OffsetsInitializer.earliest();
            case "latest" -> OffsetsInitializer.latest();
            default -> OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST);
        };
    }

    /** Returns the sink of completions. */
    WatchedSink completions() {
        return sink("completions", options.get(JobOptions.COMPLETIONS_TOPIC));
    }

    /** Returns the sink of dead letters. */
    WatchedSink deadLetters() {
        return sink("dlq", options.get(JobOptions.DLQ_TOPIC));
    }

    /**
     * Returns the sink of partials, which gets none if they have no topic. At least once and visible at once: within a transaction
     * nobody would see them before the next checkpoint. Offsets in them tell what came twice.
     */
    KafkaSink<WireRecord> partials() {
        String topic = Objects.requireNonNullElse(options.find(ServiceOptions.PARTIALS_TOPIC), "none");
        return KafkaSink.<WireRecord>builder()
                .setBootstrapServers(options.get(JobOptions.BOOTSTRAP_SERVERS))
                .setKafkaProducerConfig(options.kafkaProperties())
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setRecordSerializer(new WireRecordWriter(topic))
                .build();
    }

    private WatchedSink sink(String name, String topic) {
        Properties producer = options.kafkaProperties();
        producer.setProperty(
                "transaction.timeout.ms",
                Long.toString(options.get(JobOptions.TRANSACTION_TIMEOUT).toMillis()));
        producer.setProperty(
                "max.request.size",
                Long.toString(options.get(JobOptions.MAX_COMPLETION_BYTES) + RECORD_OVERHEAD_BYTES));
        KafkaSink<WireRecord> sink = KafkaSink.<WireRecord>builder()
                .setBootstrapServers(options.get(JobOptions.BOOTSTRAP_SERVERS))
                .setKafkaProducerConfig(producer)
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(
                        (options.get(JobOptions.TRANSACTIONAL_ID_PREFIX) + "-" + name).toLowerCase(Locale.ROOT))
                .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
                .setRecordSerializer(new WireRecordWriter(topic))
                .build();
        boolean isFailing = options.get(RecoveryOptions.ON_LOST_COMMIT).equals("fail");
        return new WatchedSink(sink, options.kafkaProperties(), topic, isFailing);
    }
}
