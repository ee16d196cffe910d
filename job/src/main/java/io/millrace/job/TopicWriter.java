package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Sends records to one topic and says if one of them didn't arrive. Thread: one. */
public final class TopicWriter implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer;
    private final String topic;
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

    private TopicWriter(KafkaProducer<byte[], byte[]> producer, String topic) {
        this.producer = producer;
        this.topic = topic;
    }

    /**
     * Opens a topic.
     *
     * @param client bootstrap servers and whatever the clients need
     * @param maxRecordBytes the largest record that will be sent
     * @throws ConfigException if the topic or the broker isn't there
     */
    public static TopicWriter open(Properties client, String topic, int maxRecordBytes) {
        Properties p = new Properties();
        p.putAll(client);
        p.setProperty("max.request.size", Integer.toString(maxRecordBytes));
        p.setProperty("max.block.ms", "15000");
        p.setProperty("linger.ms", "5");
        KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
        try {
            producer.partitionsFor(topic);
            return new TopicWriter(producer, topic);
        } catch (KafkaException e) {
            producer.close();
            throw new ConfigException(
                    "can't write to topic " + topic + " at " + client.getProperty("bootstrap.servers") + ": "
                            + e.getMessage() + " (check --bootstrap-servers, create the topic)",
                    e);
        }
    }

    /** Sends a record; {@link #flush} says whether it arrived. */
    public void send(byte @Nullable [] key, byte @Nullable [] value, List<Header> headers) {
        Future<RecordMetadata> unused = producer.send(
                new ProducerRecord<>(topic, null, null, key, value, headers),
                (metadata, e) -> failure.compareAndSet(null, e));
    }

    /**
     * Waits until everything sent has arrived.
     *
     * @throws IllegalStateException if something didn't
     */
    public void flush() {
        producer.flush();
        Exception e = failure.get();
        if (e != null) {
            throw new IllegalStateException("a record for topic " + topic + " was refused: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
