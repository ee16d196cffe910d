package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** All partitions of some topics, read without a group, committed records only. Thread: one. */
public final class Topic implements AutoCloseable {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<TopicPartition> partitions = new ArrayList<>();

    private Topic(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    /**
     * Opens topics.
     *
     * @param client bootstrap servers and whatever the clients need
     * @param isFromBeginning else only what comes from now on
     * @throws ConfigException if a topic or the broker isn't there
     */
    public static Topic open(Properties client, boolean isFromBeginning, String... names) {
        Properties p = new Properties();
        p.putAll(client);
        p.setProperty("isolation.level", "read_committed");
        p.setProperty("enable.auto.commit", "false");
        p.setProperty("auto.offset.reset", "earliest");
        p.setProperty("allow.auto.create.topics", "false");
        p.setProperty("default.api.timeout.ms", "15000");
        Topic topic = new Topic(new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer()));
        try {
            topic.assign(names);
            if (isFromBeginning) {
                topic.consumer.seekToBeginning(topic.partitions);
            } else {
                topic.consumer.seekToEnd(topic.partitions);
                topic.partitions.forEach(topic.consumer::position);
            }
            return topic;
        } catch (KafkaException e) {
            topic.close();
            throw new ConfigException(
                    "can't read " + String.join(", ", names) + " at " + client.getProperty("bootstrap.servers") + ": "
                            + e.getMessage(),
                    e);
        } catch (RuntimeException e) {
            topic.close();
            throw e;
        }
    }

    /**
     * Opens partitions at given offsets, uncommitted and aborted records included.
     *
     * @param client bootstrap servers and whatever the clients need
     * @param from where to begin
     */
    static Topic openUncommitted(Properties client, Map<TopicPartition, Long> from) {
        return open(client, "read_uncommitted", from);
    }

    /** Opens partitions at given offsets. */
    static Topic openCommitted(Properties client, Map<TopicPartition, Long> from) {
        return open(client, "read_committed", from);
    }

    private static Topic open(Properties client, String isolation, Map<TopicPartition, Long> from) {
        Properties p = new Properties();
        p.putAll(client);
        p.setProperty("isolation.level", isolation);
        p.setProperty("enable.auto.commit", "false");
        p.setProperty("auto.offset.reset", "earliest");
        Topic topic = new Topic(new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer()));
        topic.partitions.addAll(from.keySet());
        topic.consumer.assign(topic.partitions);
        from.forEach(topic.consumer::seek);
        return topic;
    }

    private void assign(String... names) {
        for (String name : names) {
            List<PartitionInfo> infos = consumer.partitionsFor(name);
            if (infos == null || infos.isEmpty()) {
                throw new ConfigException(
                        "no topic " + name + ": create with kafka-topics --create --topic " + name + " --partitions N");
            }
            infos.forEach(i -> partitions.add(new TopicPartition(name, i.partition())));
        }
        consumer.assign(partitions);
    }

    /** Returns what came within that time, maybe nothing. */
    public Iterable<ConsumerRecord<byte[], byte[]>> poll(Duration atMost) {
        return consumer.poll(atMost);
    }

    /** Returns the ends of all partitions as they are now: what is committed ends there. */
    public Map<TopicPartition, Long> ends() {
        return consumer.endOffsets(partitions);
    }

    /** Returns the first offsets that all partitions still have. */
    Map<TopicPartition, Long> begins() {
        return consumer.beginningOffsets(partitions);
    }

    /** Goes back to given offsets. */
    void seek(Map<TopicPartition, Long> offsets) {
        offsets.forEach(consumer::seek);
    }

    /** Returns whether records before those ends are still to be read. */
    public boolean isBefore(Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue());
    }

    @Override
    public void close() {
        consumer.close();
    }
}
