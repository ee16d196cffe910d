package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.ConfigException;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Puts prompts and dead letters on the prompts' topic again: key, value and headers as they were, and a header that names the
 * record copied, by which the next run knows that it has a copy. Thread: one.
 *
 * <p>A record gets at most one copy, also if a run is killed or two run at once: copies are written in transactions of one id per
 * topic, so that a run's {@link #open} ends whatever another one had not committed; open it before looking what has a copy.
 */
public final class Republisher implements AutoCloseable {
    /** Header of a copy: {@code topic-partition-offset} of the record that it was copied from. */
    public static final String HEADER = "__llm.republished-from";

    private static final int RECORDS_PER_TRANSACTION = 1000;
    private static final int MAX_RECORD_BYTES = 64 << 20;

    private final KafkaProducer<byte[], byte[]> producer;
    private final String topic;
    private int numInTransaction;
    private long numPublished;

    private Republisher(KafkaProducer<byte[], byte[]> producer, String topic) {
        this.producer = producer;
        this.topic = topic;
    }

    /**
     * Opens the prompts' topic and ends what another run had begun.
     *
     * @throws ConfigException if the broker doesn't allow it or isn't there
     */
    public static Republisher open(JobOptions options) {
        String topic = options.get(JobOptions.PROMPTS_TOPIC);
        Properties p = options.kafkaProperties();
        p.setProperty("transactional.id", options.get(JobOptions.TRANSACTIONAL_ID_PREFIX) + "-republish-" + topic);
        p.setProperty("enable.idempotence", "true");
        p.setProperty("max.request.size", Integer.toString(MAX_RECORD_BYTES));
        p.setProperty("max.block.ms", "30000");
        KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
        try {
            producer.initTransactions();
            return new Republisher(producer, topic);
        } catch (KafkaException e) {
            producer.close();
            throw new ConfigException(
                    "can't publish to topic " + topic + " at " + p.getProperty("bootstrap.servers") + ": "
                            + e.getMessage() + " (check --bootstrap-servers, --kafka-config and the rights)",
                    e);
        }
    }

    /** Returns what a record was copied from, null if it is no copy. */
    static @Nullable Position copiedFrom(ConsumerRecord<byte[], byte[]> r) {
        Header header = r.headers().lastHeader(HEADER);
        return header == null || header.value() == null ? null : Position.parse(new String(header.value(), UTF_8));
    }

    /**
     * Copies a record.
     *
     * @throws IllegalStateException if another run took over
     */
    public void publish(ConsumerRecord<byte[], byte[]> r) {
        if (numInTransaction == 0) {
            producer.beginTransaction();
        }
        RecordHeaders headers = new RecordHeaders(r.headers().toArray());
        headers.remove(HEADER);
        headers.add(
                HEADER,
                new Position(r.topic(), r.partition(), r.offset()).toString().getBytes(UTF_8));
        Future<RecordMetadata> unused =
                producer.send(new ProducerRecord<>(topic, null, null, r.key(), r.value(), headers));
        numInTransaction++;
        if (numInTransaction == RECORDS_PER_TRANSACTION) {
            commit();
        }
    }

    /**
     * Makes everything published visible.
     *
     * @return how many copies there are by now
     * @throws IllegalStateException if another run took over, or the broker refused a copy: nothing of the last {@value
     *     #RECORDS_PER_TRANSACTION} is visible then
     */
    public long commit() {
        if (numInTransaction == 0) {
            return numPublished;
        }
        try {
            producer.commitTransaction();
        } catch (ProducerFencedException | InvalidProducerEpochException e) {
            throw new IllegalStateException(
                    "another run publishes to " + topic + ": " + numPublished
                            + " copies were made, run it again when that one has ended",
                    e);
        } catch (KafkaException e) {
            throw new IllegalStateException(
                    "publishing to " + topic + " failed after " + numPublished + " copies: " + e.getMessage()
                            + " (run it again: no record is copied twice)",
                    e);
        }
        numPublished += numInTransaction;
        numInTransaction = 0;
        return numPublished;
    }

    @Override
    public void close() {
        producer.close();
    }
}
