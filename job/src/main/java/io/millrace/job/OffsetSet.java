package io.millrace.job;

import io.millrace.engine.ConfigException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.TopicPartition;

/**
 * A set of records of some partitions, one bit per offset between a partition's first and last: 100 million prompts take 12.5 MB.
 * Thread: one.
 */
final class OffsetSet {
    private record Span(long begin, long end, BitSet bits) {}

    private final Map<TopicPartition, Span> spans = new HashMap<>();

    /**
     * Makes an empty set.
     *
     * @param begins first offset of each partition
     * @param ends offset after the last of each partition
     */
    OffsetSet(Map<TopicPartition, Long> begins, Map<TopicPartition, Long> ends) {
        ends.forEach((partition, end) -> {
            long begin = Objects.requireNonNull(begins.get(partition));
            if (end - begin > Integer.MAX_VALUE) {
                throw new ConfigException("partition " + partition + " holds " + (end - begin)
                        + " offsets but the limit is " + Integer.MAX_VALUE + ": shorten the topic's retention");
            }
            spans.put(partition, new Span(begin, end, new BitSet()));
        });
    }

    /** Adds a record; one that isn't between a partition's ends is ignored. Returns whether it was new. */
    boolean add(Position p) {
        Span span = spans.get(p.topicPartition());
        if (span == null || p.offset() < span.begin || p.offset() >= span.end) {
            return false;
        }
        int bit = (int) (p.offset() - span.begin);
        boolean isNew = !span.bits.get(bit);
        span.bits.set(bit);
        return isNew;
    }

    /** Returns whether a record was added. */
    boolean contains(Position p) {
        Span span = spans.get(p.topicPartition());
        return span != null
                && p.offset() >= span.begin
                && p.offset() < span.end
                && span.bits.get((int) (p.offset() - span.begin));
    }
}
