package io.millrace.job;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * Reads the dead letters, oldest first over all partitions, and copies them to the prompts' topic. Memory: one poll per partition, and
 * one bit per letter when replaying. Thread: one.
 */
public final class DeadLetterReplay {
    private static final Duration POLL = Duration.ofMillis(200);

    /**
     * What a replay did.
     *
     * @param numMatching letters that the filter let through
     * @param numReplayed copies made
     * @param numReplayedBefore left out because they have a copy
     * @param numTruncated left out because only their beginning was kept
     */
    public record Report(long numMatching, long numReplayed, long numReplayedBefore, long numTruncated) {}

    private final JobOptions options;
    private final Properties client;

    /** Prepares reading and replaying. */
    public DeadLetterReplay(JobOptions options) {
        this.options = options;
        this.client = options.kafkaProperties();
    }

    /** Visits every letter that is there now, oldest first, while the visitor returns true. */
    public void forEach(Predicate<DeadLetter> visitor) {
        String topic = options.get(JobOptions.DLQ_TOPIC);
        Map<TopicPartition, Long> begins;
        Map<TopicPartition, Long> ends;
        try (Topic all = Topic.open(client, true, topic)) {
            begins = all.begins();
            ends = all.ends();
        }
        List<Lane> lanes = new ArrayList<>();
        PriorityQueue<Lane> byAge = new PriorityQueue<>(
                Comparator.comparingLong(Lane::timestamp).thenComparingInt(l -> l.partition.partition()));
        try {
            for (Map.Entry<TopicPartition, Long> e : begins.entrySet()) {
                if (e.getValue() < ends.getOrDefault(e.getKey(), 0L)) {
                    Lane lane = new Lane(client, e.getKey(), e.getValue(), ends.getOrDefault(e.getKey(), 0L));
                    lanes.add(lane);
                    if (lane.fill()) {
                        byAge.add(lane);
                    }
                }
            }
            for (Lane lane = byAge.poll(); lane != null; lane = byAge.poll()) {
                if (!visitor.test(new DeadLetter(lane.waiting.remove()))) {
                    return;
                }
                if (lane.fill()) {
                    byAge.add(lane);
                }
            }
        } finally {
            lanes.forEach(Lane::close);
        }
    }

    /**
     * Copies letters to the prompts' topic, their error headers included: a further letter counts its attempts on.
     *
     * @param filter which
     * @param republisher opened before, or null: only count
     * @param onReplay told of each letter copied
     */
    public Report run(Predicate<DeadLetter> filter, @Nullable Republisher republisher, Consumer<DeadLetter> onReplay) {
        OffsetSet copied = copied();
        long[] counts = new long[4]; // matching, replayed, replayed before, truncated
        forEach(letter -> {
            if (filter.test(letter)) {
                counts[0]++;
                if (letter.isTruncated()) {
                    counts[3]++;
                } else if (copied.contains(letter.position())) {
                    counts[2]++;
                } else {
                    counts[1]++;
                    onReplay.accept(letter);
                    if (republisher != null) {
                        republisher.publish(letter.record());
                    }
                }
            }
            return true;
        });
        if (republisher != null) {
            republisher.commit();
        }
        return new Report(counts[0], counts[1], counts[2], counts[3]);
    }

    /** Returns the letters of which the prompts' topic has a copy. */
    private OffsetSet copied() {
        OffsetSet copied;
        try (Topic letters = Topic.open(client, true, options.get(JobOptions.DLQ_TOPIC))) {
            copied = new OffsetSet(letters.begins(), letters.ends());
        }
        try (Topic prompts = Topic.open(client, true, options.get(JobOptions.PROMPTS_TOPIC))) {
            Map<TopicPartition, Long> ends = prompts.ends();
            while (prompts.isBefore(ends)) {
                for (ConsumerRecord<byte[], byte[]> r : prompts.poll(POLL)) {
                    Position from = Republisher.copiedFrom(r);
                    if (from != null) {
                        copied.add(from);
                    }
                }
            }
        }
        return copied;
    }

    /** One partition's letters in order. */
    private static final class Lane implements AutoCloseable {
        final TopicPartition partition;
        final ArrayDeque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
        private final Topic topic;
        private final Map<TopicPartition, Long> end;

        Lane(Properties client, TopicPartition partition, long begin, long end) {
            this.partition = partition;
            this.end = Map.of(partition, end);
            this.topic = Topic.openCommitted(client, Map.of(partition, begin));
        }

        /** Reads on if nothing waits. Returns whether a letter waits. */
        boolean fill() {
            while (waiting.isEmpty() && topic.isBefore(end)) {
                topic.poll(POLL).forEach(waiting::add);
            }
            return !waiting.isEmpty();
        }

        long timestamp() {
            return waiting.element().timestamp();
        }

        @Override
        public void close() {
            topic.close();
        }
    }
}
