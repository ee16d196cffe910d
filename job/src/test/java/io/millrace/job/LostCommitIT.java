package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.operators.WireRecord;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.Prompt;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.common.TopicPartition;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A commit that the broker dropped is reported, and one that was made before a failure is not. No engine: answers are made up. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LostCommitIT {
    /** Not even when the job starts: see {@link #start(JobOptions, String)}. */
    private static final String NEVER = "100000 h";

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
        // looks for transactions that are over more often than every 10 s
        broker = EmbeddedBroker.start(
                work.resolve("broker"), Map.of("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"));
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
        Configurator.setLevel(CommitWatch.class, Level.ERROR); // the configuration of Flink's test jars is silent
    }

    @AfterEach
    void unlisten() {
        ((Logger) LogManager.getLogger(CommitWatch.class)).removeAppender(capture);
    }

    @Test
    void anOutageLongerThanTheTransactionTimeoutIsReportedAndRepaired() throws InterruptedException {
        String savepoint = savepointWhoseTransactionTheBrokerEnds("lost");
        JobOptions options = options("lost", "300 ms");
        try (EmbeddedFlink flink = start(options, savepoint)) {
            await(() -> !capture.errors.isEmpty());
            send("lost.p", 5, 7);
            await(() -> read("lost.c").size() == 2);
            assertThat(flink.status().name()).isEqualTo("RUNNING");

            await(() -> reconcile(options, false).numWaiting() == 0);
            Reconciliation.Report found = reconcile(options, true);
            assertThat(found.numMissing()).isEqualTo(5);
            assertThat(found.numPublished()).isEqualTo(5);
            await(() -> read("lost.c").size() >= 7);
            await(() -> reconcile(options, false).numWaiting() == 0);
            assertThat(reconcile(options, true).numPublished()).isZero();
            flink.cancel();
        }
        assertThat(read("lost.c")).containsExactlyInAnyOrder("k0", "k1", "k2", "k3", "k4", "k5", "k6");
        assertThat(capture.errors).hasSize(1);
        assertThat(capture.errors.element())
                .startsWith("LOST COMMIT: the broker aborted a transaction of topic lost.c")
                .containsPattern("transactional id lost-completions-\\S+, producer id \\d+, epoch \\d+")
                .contains("millrace reconcile");
    }

    @Test
    void aJobThatShallFailDoesAndStaysSo() throws InterruptedException {
        String savepoint = savepointWhoseTransactionTheBrokerEnds("strict");
        try (EmbeddedFlink flink = start(options("strict", "300 ms", "--on-lost-commit=fail"), savepoint)) {
            assertThatThrownBy(() -> flink.result()
                            .join()
                            .toJobExecutionResult(getClass().getClassLoader()))
                    .hasStackTraceContaining("LOST COMMIT: the broker aborted a transaction of topic strict.c");
            assertThat(flink.status().name()).isEqualTo("FAILED");
        }
        assertThat(capture.errors).hasSize(1);
        assertThat(read("strict.c")).isEmpty();
    }

    /** The job writes five answers, is saved before it commits them, and comes too late: the broker drops them. */
    private String savepointWhoseTransactionTheBrokerEnds(String name) throws InterruptedException {
        String savepoint;
        try (EmbeddedFlink flink = start(options(name, NEVER), null)) {
            send(name + ".p", 0, 5);
            await(() -> written(name + ".c").values().stream().mapToLong(v -> v).sum() >= 5);
            savepoint = flink.savepoint(work.resolve("savepoints").toUri().toString());
            flink.cancel();
        }
        await(() -> committed(name + ".c").equals(written(name + ".c"))); // the broker has ended every transaction
        assertThat(read(name + ".c")).isEmpty();
        return savepoint;
    }

    private static Reconciliation.Report reconcile(JobOptions options, boolean isPublishing) {
        try (Republisher republisher = isPublishing ? Republisher.open(options) : null) {
            return new Reconciliation(options, Duration.ZERO, Clock.systemUTC(), missing -> {}).run(republisher);
        }
    }

    /** An answer that says which prompt it answers; an engine would take longer. */
    private static final class Answer implements MapFunction<WireRecord, WireRecord> {
        private static final long serialVersionUID = 1L;

        @Override
        public WireRecord map(WireRecord prompt) {
            WireRecord answer = prompt.copy();
            answer.value = CompletionJson.encode(new Completion(
                    Prompt.Form.CHAT,
                    "id",
                    null,
                    0,
                    "m",
                    List.of(new Completion.Choice(0, "x", null, "x", "stop", null, null)),
                    List.of(),
                    new Completion.Usage(1, 1, 0, 0),
                    null,
                    null,
                    null,
                    Map.of(),
                    new Completion.Provenance("h", "v", "cpu", "tp1", 0, Map.of(), 1, 2, 0, 0, 0, prompt.source())));
            return answer;
        }
    }

    @Test
    void ordinaryFailoversAndAQuickRestoreRaiseNoAlarm() throws InterruptedException {
        String savepoint;
        try (EmbeddedFlink flink = start(options("fine", "200 ms"), null)) {
            for (int i = 1; i <= 3; i++) {
                send("fine.p", 0, 5);
                int count = 5 * i;
                await(() -> read("fine.c").size() == count);
                flink.killTaskManager();
            }
            send("fine.p", 0, 5);
            await(() -> read("fine.c").size() == 20);
            flink.cancel();
        }
        JobOptions slow = options("quick", NEVER);
        try (EmbeddedFlink flink = start(slow, null)) {
            send("quick.p", 0, 5);
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

    /**
     * Starts a job whose checkpoints come at its interval only. Of itself Flink 2.3 makes one as soon as all tasks run, whatever the
     * interval: its delay for the first one is spent before, and from then on the minimum pause is what it waits (FLINK-39108 says the
     * same). It commits whatever was answered until then.
     */
    private EmbeddedFlink start(JobOptions options, @Nullable String restoreFrom) {
        KafkaEnds kafka = new KafkaEnds(options);
        Configuration settings = MillraceJob.flinkSettings(options);
        settings.set(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS, options.get(JobOptions.CHECKPOINT_INTERVAL));
        return EmbeddedFlink.start(
                settings,
                env -> env.fromSource(kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                        .uid("prompts")
                        .map(new Answer())
                        .sinkTo(kafka.completions())
                        .uid("completions"),
                restoreFrom);
    }

    private JobOptions options(String name, String interval, String... more) {
        if (!topics().contains(name + ".p")) {
            broker.createTopics(1, name + ".p", name + ".c", name + ".d");
            created.add(name + ".p");
        }
        List<String> all = new ArrayList<>(List.of(
                "--bootstrap-servers=" + broker.bootstrapServers(),
                "--prompts-topic=" + name + ".p",
                "--completions-topic=" + name + ".c",
                "--dlq-topic=" + name + ".d",
                "--group-id=" + name,
                "--transactional-id-prefix=" + name,
                "--transaction-timeout=10 s",
                "--checkpoint-interval=" + interval,
                "--checkpoint-dir=" + work.resolve("checkpoints-" + name).toUri(),
                "--parallelism=1"));
        all.addAll(List.of(more));
        return JobOptions.parse(all.toArray(String[]::new));
    }

    private final List<String> created = new ArrayList<>();

    private List<String> topics() {
        return created;
    }

    private void send(String topic, int from, int to) {
        try (TopicWriter writer = TopicWriter.open(client(), topic, 1 << 20)) {
            for (int i = from; i < to; i++) {
                writer.send(("k" + i).getBytes(UTF_8), "{}".getBytes(UTF_8), List.of());
            }
            writer.flush();
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
