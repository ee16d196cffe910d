package io.millrace.job;

import io.millrace.operators.CancelSource.Subscription;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a control topic for all who subscribe in this JVM, from its beginning, so that a cancel from before a restart holds. What
 * can't be read is tried again and never fails a task. The public methods are for any thread; one thread of its own reads.
 */
final class CancelConsumer {
    private static final Logger LOG = LoggerFactory.getLogger(CancelConsumer.class);
    private static final Map<KafkaCancels, CancelConsumer> OPEN = new HashMap<>();

    /** Ids that are remembered; of more, those cancelled first are forgotten. */
    private static final int MAX_IDS = 1 << 16;

    private static final long GRACE_MILLIS = 60_000;
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int RETRY_SECONDS = 10;

    private final KafkaCancels from;
    private final Thread thread;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    /** By id the timestamp of its last cancel. Guarded by itself. */
    private final Map<String, Long> cancelledAt = new LinkedHashMap<>();

    private boolean isTold;

    private CancelConsumer(KafkaCancels from) {
        this.from = from;
        thread = new Thread(this::run, "millrace-cancels");
        thread.setDaemon(true);
    }

    /** Adds a listener to the JVM's reader of that topic, which begins with the first and ends with the last. */
    static Subscription subscribe(KafkaCancels from, Consumer<String> onCancel) {
        synchronized (OPEN) {
            CancelConsumer consumer = OPEN.get(from);
            if (consumer == null) {
                consumer = new CancelConsumer(from);
                consumer.thread.start();
                OPEN.put(from, consumer);
            }
            consumer.listeners.add(onCancel);
            return consumer.new Listener(onCancel);
        }
    }

    private final class Listener implements Subscription {
        private final Consumer<String> onCancel;

        Listener(Consumer<String> onCancel) {
            this.onCancel = onCancel;
        }

        @Override
        public boolean isCancelled(String id, long publishedMillis) {
            synchronized (cancelledAt) {
                Long at = cancelledAt.get(id);
                return at != null && publishedMillis <= at + GRACE_MILLIS;
            }
        }

        @Override
        public void close() {
            synchronized (OPEN) {
                listeners.remove(onCancel);
                if (listeners.isEmpty() && OPEN.remove(from, CancelConsumer.this)) {
                    closed.countDown();
                }
            }
        }
    }

    private void run() {
        try {
            do {
                try (KafkaConsumer<byte[], byte[]> consumer = open()) {
                    read(consumer);
                } catch (KafkaException e) {
                    tellOnce(e.toString());
                }
            } while (!closed.await(RETRY_SECONDS, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private KafkaConsumer<byte[], byte[]> open() {
        Properties p = new Properties();
        p.putAll(from.client());
        p.setProperty("client.id", "millrace-cancels");
        p.setProperty("isolation.level", "read_committed");
        p.setProperty("enable.auto.commit", "false");
        p.setProperty("auto.offset.reset", "earliest");
        p.setProperty("allow.auto.create.topics", "false");
        p.setProperty("default.api.timeout.ms", "15000");
        return new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private void read(KafkaConsumer<byte[], byte[]> consumer) {
        List<PartitionInfo> partitions = consumer.partitionsFor(from.topic());
        if (partitions == null || partitions.isEmpty()) {
            tellOnce("there is no such topic");
            return;
        }
        List<TopicPartition> all = partitions.stream()
                .map(p -> new TopicPartition(p.topic(), p.partition()))
                .toList();
        consumer.assign(all);
        consumer.seekToBeginning(all);
        isTold = false;
        while (closed.getCount() > 0) {
            for (ConsumerRecord<byte[], byte[]> r : consumer.poll(POLL)) {
                String id = r.key() != null ? new String(r.key(), StandardCharsets.UTF_8) : RecordId.find(r.value());
                if (id == null) {
                    LOG.warn("{} has neither key nor id at {}-{}: ignored", r.topic(), r.partition(), r.offset());
                } else {
                    remember(id, r.timestamp());
                    listeners.forEach(l -> l.accept(id));
                }
            }
        }
    }

    private void remember(String id, long timestamp) {
        synchronized (cancelledAt) {
            Long before = cancelledAt.remove(id);
            cancelledAt.put(id, before == null ? timestamp : Math.max(before, timestamp));
            if (cancelledAt.size() > MAX_IDS) {
                cancelledAt.remove(cancelledAt.keySet().iterator().next());
            }
        }
    }

    private void tellOnce(String reason) {
        if (!isTold) {
            LOG.warn(
                    "cancels can't be read from topic {}, trying again every {} s: {}",
                    from.topic(),
                    RETRY_SECONDS,
                    reason);
            isTold = true;
        }
    }
}
