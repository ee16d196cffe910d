package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.kafka.common.TopicPartition;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A commit that the broker dropped is reported, and one that was made before a failure is not. No engine: prompts pass through. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LostCommitIT {
    @TempDir
    static Path work;

    private EmbeddedBroker broker;
    private final Capture capture = new Capture();

    /** Errors of the watch. */
    private static final class Capture extends AbstractAppender {
        final Queue<String> errors = new ConcurrentLinkedQueue<>();

        Capture() {
            super("capture", null, null, false, Property.EMPTY_ARRAY);
        }

        @Override
        public void append(LogEvent event) {
            errors.add(event.getMessage().getFormattedMessage());
        }
    }

    @BeforeAll
    void start() {
        broker = EmbeddedBroker.start(work.resolve("broker"));
    }

    @AfterAll
    void stop() {
        broker.close();
    }

    @BeforeEach
    void listen() {
        capture.errors.clear();
        capture.start();
        ((Logger) LogManager.getLogger(CommitWatch.class)).addAppender(capture);
    }

    @AfterEach
    void unlisten() {
        ((Logger) LogManager.getLogger(CommitWatch.class)).removeAppender(capture);
    }

    @Test
    void anOutageLongerThanTheTransactionTimeoutIsReported() throws InterruptedException {
        String savepoint;
        JobOptions slow = options("lost", "1 h");
        try (EmbeddedFlink flink = start(slow, null)) {
            send("lost.p", 5);
            await(() -> !written("lost.c").isEmpty()
                    && written("lost.c").values().stream().mapToLong(v -> v).sum() >= 5);
            savepoint = flink.savepoint(work.resolve("savepoints").toUri().toString());
            flink.cancel();
        }
        await(() -> committed("lost.c").equals(written("lost.c"))); // the broker has ended every transaction
        assertThat(read("lost.c")).isEmpty();

        try (EmbeddedFlink flink = start(options("lost", "300 ms"), savepoint)) {
            await(() -> !capture.errors.isEmpty());
            send("lost.p", 2);
            await(() -> read("lost.c").size() == 2);
            assertThat(flink.status().name()).isEqualTo("RUNNING");
            flink.cancel();
        }
        assertThat(capture.errors).hasSize(1);
        assertThat(capture.errors.element())
                .startsWith("LOST COMMIT: the broker aborted a transaction of topic lost.c")
                .containsPattern("transactional id lost-completions-\\S+, producer id \\d+, epoch \\d+")
                .contains("millrace reconcile");
    }

    @Test
    void ordinaryFailoversAndAQuickRestoreRaiseNoAlarm() throws InterruptedException {
        String savepoint;
        try (EmbeddedFlink flink = start(options("fine", "200 ms"), null)) {
            for (int i = 1; i <= 3; i++) {
                send("fine.p", 5);
                int count = 5 * i;
                await(() -> read("fine.c").size() == count);
                flink.killTaskManager();
            }
            send("fine.p", 5);
            await(() -> read("fine.c").size() == 20);
            flink.cancel();
        }
        JobOptions slow = options("quick", "1 h");
        try (EmbeddedFlink flink = start(slow, null)) {
            send("quick.p", 5);
            await(() -> written("quick.c").values().stream().mapToLong(v -> v).sum() >= 5);
            savepoint = flink.savepoint(work.resolve("savepoints").toUri().toString());
            flink.cancel();
        }
        try (EmbeddedFlink flink = start(options("quick", "200 ms"), savepoint)) {
            await(() -> read("quick.c").size() == 5);
            flink.cancel();
        }
        assertThat(capture.errors).isEmpty();
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(100);
        }
    }

    private EmbeddedFlink start(JobOptions options, @Nullable String restoreFrom) {
        KafkaEnds kafka = new KafkaEnds(options);
        return EmbeddedFlink.start(
                MillraceJob.flinkSettings(options),
                env -> env.fromSource(kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                        .uid("prompts")
                        .sinkTo(kafka.completions())
                        .uid("completions"),
                restoreFrom);
    }

    private JobOptions options(String name, String interval) {
        if (!topics().contains(name + ".p")) {
            broker.createTopics(1, name + ".p", name + ".c", name + ".d");
            created.add(name + ".p");
        }
        return JobOptions.parse(
                "--bootstrap-servers=" + broker.bootstrapServers(),
                "--prompts-topic=" + name + ".p",
                "--completions-topic=" + name + ".c",
                "--dlq-topic=" + name + ".d",
                "--group-id=" + name,
                "--transactional-id-prefix=" + name,
                "--transaction-timeout=10 s",
                "--checkpoint-interval=" + interval,
                "--checkpoint-dir=" + work.resolve("checkpoints-" + name).toUri(),
                "--parallelism=1");
    }

    private final List<String> created = new ArrayList<>();

    private List<String> topics() {
        return created;
    }

    private void send(String topic, int count) {
        try (TopicWriter to = TopicWriter.open(client(), topic, 1 << 20)) {
            for (int i = 0; i < count; i++) {
                to.send(("k" + i).getBytes(UTF_8), "{}".getBytes(UTF_8), List.of());
            }
            to.flush();
        }
    }

    private Map<TopicPartition, Long> written(String topic) {
        try (Topic t = Topic.openUncommitted(client(), Map.of(new TopicPartition(topic, 0), 0L))) {
            return t.ends();
        }
    }

    private Map<TopicPartition, Long> committed(String topic) {
        try (Topic t = Topic.openCommitted(client(), Map.of(new TopicPartition(topic, 0), 0L))) {
            return t.ends();
        }
    }

    private List<String> read(String topic) {
        List<String> keys = new ArrayList<>();
        try (Topic t = Topic.open(client(), true, topic)) {
            Map<TopicPartition, Long> ends = t.ends();
            while (t.isBefore(ends)) {
                t.poll(Duration.ofMillis(100)).forEach(r -> keys.add(new String(r.key(), UTF_8)));
            }
        }
        return keys;
    }

    private Properties client() {
        Properties p = new Properties();
        p.setProperty("bootstrap.servers", broker.bootstrapServers());
        return p;
    }
}
