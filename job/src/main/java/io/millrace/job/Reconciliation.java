package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.ConfigException;
import io.millrace.schemas.CompletionAvro;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.ContentType;
import io.millrace.schemas.WireException;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * Prompts against answers: finds the prompts that have neither a completion nor a dead letter, by {@code topic-partition-offset}
 * (two prompts with one id are two requests), and copies them to the prompts' topic if asked to. Thread: one.
 *
 * <p>The broker doesn't know what is in flight inside the job, so only prompts older than a given time are judged. Not missing is
 * also what the job hasn't read yet, what has an answer that is written but not committed, and what has a copy already. Memory: three
 * bits per prompt on the topic.
 */
public final class Reconciliation {
    private static final Duration POLL = Duration.ofMillis(200);

    /**
     * What became of the prompts that are on the topic; the counts but the last two add up to {@code numPrompts}.
     *
     * @param numPrompts all of them
     * @param numAnswered with a completion or a dead letter
     * @param numUncommitted with an answer in a transaction that is not committed yet: it may still come
     * @param numCopied without an answer, but published again before
     * @param numWaiting that the job's consumer group hasn't read
     * @param numRecent younger than asked for: maybe in flight
     * @param numMissing all others
     * @param numPublished copies made by this run
     * @param numUnreadable completions and dead letters that don't say which prompt they answer
     */
    public record Report(
            long numPrompts,
            long numAnswered,
            long numUncommitted,
            long numCopied,
            long numWaiting,
            long numRecent,
            long numMissing,
            long numPublished,
            long numUnreadable) {}

    private final JobOptions options;
    private final long newestMillis;
    private final Consumer<ConsumerRecord<byte[], byte[]>> onMissing;
    private final Properties client;
    private long numUnreadable;

    /**
     * Prepares a run.
     *
     * @param olderThan prompts younger than that are not judged; longer than the longest request takes
     * @param onMissing told of every missing prompt, in the order of its partition
     */
    public Reconciliation(
            JobOptions options, Duration olderThan, Clock clock, Consumer<ConsumerRecord<byte[], byte[]>> onMissing) {
        this.options = options;
        this.newestMillis = clock.millis() - olderThan.toMillis();
        this.onMissing = onMissing;
        this.client = options.kafkaProperties();
    }

    /**
     * Compares.
     *
     * @param republisher opened before, or null: only look
     * @throws ConfigException if something is to be published although an answer can't be attributed: its prompt could get two
     */
    public Report run(@Nullable Republisher republisher) {
        try (Topic prompts = Topic.open(client, true, options.get(JobOptions.PROMPTS_TOPIC))) {
            Map<TopicPartition, Long> begins = prompts.begins();
            Map<TopicPartition, Long> ends = prompts.ends();
            Map<TopicPartition, Long> read = readByTheJob();
            OffsetSet answered = new OffsetSet(begins, ends);
            OffsetSet other = new OffsetSet(begins, ends);
            Map<TopicPartition, Long> answersEnds = addCommitted(answered);
            addUncommitted(other, answersEnds);
            if (republisher != null && numUnreadable > 0) {
                throw new ConfigException(numUnreadable + " records on " + options.get(JobOptions.COMPLETIONS_TOPIC)
                        + " and " + options.get(JobOptions.DLQ_TOPIC)
                        + " don't say which prompt they answer, so a prompt could "
                        + "be answered twice: nothing is published; look at them with consume --envelope");
            }
            OffsetSet copied = new OffsetSet(begins, ends);
            scan(prompts, ends, r -> {
                Position from = Republisher.copiedFrom(r);
                if (from != null) {
                    copied.add(from);
                }
            });
            prompts.seek(begins);
            Tally tally = new Tally(answered, other, copied, read, republisher);
            scan(prompts, ends, tally::count);
            return tally.report(republisher == null ? 0 : republisher.commit());
        }
    }

    /** Sorts the prompts. */
    private final class Tally {
        private final OffsetSet answered;
        private final OffsetSet uncommitted;
        private final OffsetSet copied;
        private final Map<TopicPartition, Long> read;
        private final @Nullable Republisher republisher;
        private long numPrompts;
        private long numAnswered;
        private long numUncommitted;
        private long numCopied;
        private long numWaiting;
        private long numRecent;
        private long numMissing;

        Tally(
                OffsetSet answered,
                OffsetSet uncommitted,
                OffsetSet copied,
                Map<TopicPartition, Long> read,
                @Nullable Republisher republisher) {
            this.answered = answered;
            this.uncommitted = uncommitted;
            this.copied = copied;
            this.read = read;
            this.republisher = republisher;
        }

        void count(ConsumerRecord<byte[], byte[]> r) {
            Position p = new Position(r.topic(), r.partition(), r.offset());
            numPrompts++;
            if (answered.contains(p)) {
                numAnswered++;
            } else if (uncommitted.contains(p)) {
                numUncommitted++;
            } else if (copied.contains(p)) {
                numCopied++;
            } else if (r.offset() >= read.getOrDefault(p.topicPartition(), 0L)) {
                numWaiting++;
            } else if (r.timestamp() > newestMillis) {
                numRecent++;
            } else {
                numMissing++;
                onMissing.accept(r);
                if (republisher != null) {
                    republisher.publish(r);
                }
            }
        }

        Report report(long numPublished) {
            return new Report(
                    numPrompts,
                    numAnswered,
                    numUncommitted,
                    numCopied,
                    numWaiting,
                    numRecent,
                    numMissing,
                    numPublished,
                    numUnreadable);
        }
    }

    /** Returns up to where the job's consumer group has read. A job that reads without checkpoints commits nothing. */
    private Map<TopicPartition, Long> readByTheJob() {
        String group = options.get(JobOptions.GROUP_ID);
        Map<TopicPartition, Long> read = new HashMap<>();
        try (Admin admin = Admin.create(client)) {
            Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get();
            offsets.forEach((partition, offset) -> {
                if (offset != null) {
                    read.put(partition, offset.offset());
                }
            });
            return read;
        } catch (ExecutionException e) {
            throw new ConfigException(
                    "can't ask how far group " + group + " has read: "
                            + Objects.requireNonNullElse(e.getCause(), e).getMessage() + " (check --group-id)",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConfigException("interrupted while asking how far group " + group + " has read", e);
        }
    }

    /** Adds the prompts with a committed answer. Returns up to where answers are committed. */
    private Map<TopicPartition, Long> addCommitted(OffsetSet answered) {
        try (Topic answers = Topic.open(
                client, true, options.get(JobOptions.COMPLETIONS_TOPIC), options.get(JobOptions.DLQ_TOPIC))) {
            Map<TopicPartition, Long> ends = answers.ends();
            scan(answers, ends, r -> addPromptOf(r, answered));
            return ends;
        }
    }

    /** Adds the prompts whose answer lies behind what is committed: maybe it will be, maybe it was aborted. */
    private void addUncommitted(OffsetSet uncommitted, Map<TopicPartition, Long> from) {
        long numUnreadableBefore = numUnreadable;
        try (Topic answers = Topic.openUncommitted(client, from)) {
            scan(answers, answers.ends(), r -> addPromptOf(r, uncommitted));
        }
        numUnreadable = numUnreadableBefore;
    }

    private static void scan(
            Topic topic, Map<TopicPartition, Long> ends, Consumer<ConsumerRecord<byte[], byte[]>> onRecord) {
        while (topic.isBefore(ends)) {
            for (ConsumerRecord<byte[], byte[]> r : topic.poll(POLL)) {
                Long end = ends.get(new TopicPartition(r.topic(), r.partition()));
                if (end != null && r.offset() < end) {
                    onRecord.accept(r);
                }
            }
        }
    }

    private void addPromptOf(ConsumerRecord<byte[], byte[]> answer, OffsetSet to) {
        Position prompt = answer.topic().equals(options.get(JobOptions.DLQ_TOPIC))
                ? new DeadLetter(answer).prompt()
                : promptOfCompletion(answer);
        if (prompt == null) {
            numUnreadable++;
        } else {
            to.add(prompt);
        }
    }

    private @Nullable Position promptOfCompletion(ConsumerRecord<byte[], byte[]> r) {
        Header header = r.headers().lastHeader(ContentType.HEADER);
        try {
            ContentType type = header == null || header.value() == null
                    ? ContentType.valueOf(options.get(JobOptions.CONTENT_TYPE).toUpperCase(Locale.ROOT))
                    : ContentType.ofHeader(new String(header.value(), UTF_8));
            String source = (type == ContentType.AVRO
                            ? CompletionAvro.decode(r.value())
                            : CompletionJson.decode(r.value()))
                    .provenance()
                    .source();
            return Position.parse(source);
        } catch (WireException e) {
            return null; // counted: publishing is refused then
        }
    }
}
