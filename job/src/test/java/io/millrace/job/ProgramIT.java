package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineHost;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.WireException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs through Kafka on the shipped model: killed in the middle, they give the bytes of an undisturbed run. */
@Timeout(180)
class ProgramIT {
    private static final int NUM_PROGRAMS = 12;
    private static final String PROGRAM = """
            [{"system": "You are careful."},
             {"fork": 8, "do": [{"user": "What is %1$d + 71?"}, {"gen": "try", "max_tokens": 120, "temperature": 1.2, "ignore_eos": true}]},
             {"user": "What is %1$d + 71?"},
             {"select": "best", "from": ["{try[0]}", "{try[1]}", "{try[2]}", "The answer is \\\\boxed{{0}}."]},
             {"repeat": 2, "do": [{"user": "Add %1$d and 4."}, {"gen": "again", "max_tokens": 40}]}]
            """;

    @TempDir
    Path work;

    private long resumedTokens;

    @Test
    void killedInTheMiddleTheyGiveTheSameBytes() {
        try (EmbeddedBroker broker = EmbeddedBroker.start(work.resolve("broker"))) {
            long before = EngineHost.metrics().generationTokens.sum();
            Map<String, String> undisturbed = run(broker, "calm", new ArrayDeque<>());
            long drawn = EngineHost.metrics().generationTokens.sum() - before;
            assertThat(undisturbed).hasSize(NUM_PROGRAMS);
            assertThat(resumedTokens).isZero();
            assertThat(run(broker, "killed", new ArrayDeque<>(List.of(drawn / 3, drawn * 2 / 3))))
                    .isEqualTo(undisturbed);
            assertThat(resumedTokens).as("tokens kept over the kills").isPositive();
        }
    }

    /** Returns the completions, without what may differ, by key; kills whenever that many more tokens are drawn. */
    private Map<String, String> run(EmbeddedBroker broker, String name, Deque<Long> killAt) {
        String[] topics = {name + ".prompts", name + ".completions", name + ".dlq"};
        broker.createTopics(2, topics);
        JobOptions options = options(broker, name);
        Map<String, String> completions = new TreeMap<>();
        long before = EngineHost.metrics().generationTokens.sum();
        try (Topic topic = Topic.open(options.kafkaProperties(), true, topics[1], topics[2])) {
            publish(options, topics[0]);
            try (EmbeddedFlink flink = EmbeddedFlink.start(
                    MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
                while (completions.size() < NUM_PROGRAMS) {
                    flink.throwIfMisconfigured();
                    topic.poll(Duration.ofMillis(20)).forEach(r -> take(r, topics[1], completions));
                    Long next = killAt.peek();
                    if (next != null && EngineHost.metrics().generationTokens.sum() - before >= next) {
                        killAt.pop();
                        flink.killTaskManager();
                    }
                }
                flink.cancel();
            }
        }
        assertThat(killAt).as("kills that came too late").isEmpty();
        return completions;
    }

    private void take(ConsumerRecord<byte[], byte[]> r, String completionsTopic, Map<String, String> completions) {
        assertThat(r.topic()).as(() -> new String(r.value(), UTF_8)).isEqualTo(completionsTopic);
        try {
            Completion completion = CompletionJson.decode(r.value());
            assertThat(completion.results())
                    .extracting(Completion.Result::name)
                    .hasSize(11)
                    .contains("try[7]", "best");
            assertThat(completion.results().get(8).candidates()).hasSize(4);
            resumedTokens += completion.provenance().resumed();
            // The topic's name is part of where the prompt came from.
            String comparable =
                    new String(CompletionJson.comparable(r.value()), UTF_8).replaceAll("\"source\":\"[a-z]+", "");
            assertThat(completions.put(new String(r.key(), UTF_8), comparable))
                    .as("twice")
                    .isNull();
        } catch (WireException e) {
            throw new AssertionError(e);
        }
    }

    private static void publish(JobOptions options, String topic) {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), topic, 1 << 20)) {
            for (int i = 0; i < NUM_PROGRAMS; i++) {
                String id = "p-" + i;
                String value = "{\"id\":\"" + id + "\",\"seed\":" + i + ",\"temperature\":0.6,\"program\":"
                        + PROGRAM.formatted(14 + 5 * i) + "}";
                to.send(id.getBytes(UTF_8), value.getBytes(UTF_8), List.of());
            }
            to.flush();
        }
    }

    private JobOptions options(EmbeddedBroker broker, String name) {
        return JobOptions.parse(
                "--bootstrap-servers",
                broker.bootstrapServers(),
                "--model",
                Path.of("..", "models", "tiny-r1").toAbsolutePath().normalize().toString(),
                "--prompts-topic",
                name + ".prompts",
                "--completions-topic",
                name + ".completions",
                "--dlq-topic",
                name + ".dlq",
                "--partials-topic",
                "",
                "--control-topic",
                "",
                "--max-num-seqs",
                "16",
                "--checkpoint-interval",
                "50 ms",
                "--checkpoint-dir",
                work.resolve("checkpoints-" + name).toUri().toString());
    }
}
