package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Partials, cancels and deadlines over Kafka, with the shipped model. */
@Timeout(120)
class StreamingIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LONG = ",\"ignore_eos\":true,\"max_tokens\":1900,\"stream\":true}";

    @TempDir
    Path folder;

    private final Map<String, JsonNode> completions = new HashMap<>();
    private final Map<String, StringBuilder> reasoning = new HashMap<>();
    private final Map<String, StringBuilder> content = new HashMap<>();
    private final Map<String, String> ends = new HashMap<>();

    @Test
    void partialsAddUpCancelsAndDeadlinesEnd() throws IOException {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            broker.createTopics(
                    2, "llm.prompts", "llm.completions", "llm.prompts.dlq", "llm.completions.partial", "llm.control");
            JobOptions options = JobOptions.parse(
                    "--bootstrap-servers",
                    broker.bootstrapServers(),
                    "--model",
                    model().toString(),
                    "--checkpoint-interval",
                    "1 s",
                    "--temperature",
                    "0",
                    "--partial-interval",
                    "0 ms",
                    "--checkpoint-dir",
                    folder.resolve("checkpoints").toUri().toString());
            assertThat(StartupChecks.broker(options).values()).isEqualTo(options.values());
            cancel(options, "cancelled before it came");
            publish(options);
            run(options);
        }
        JsonNode watched = completions.get("watched");
        assertThat(watched.at("/choices/0/message/content").asText()).isEqualTo("The answer is \\boxed{85}.");
        assertThat(content.get("watched"))
                .hasToString(watched.at("/choices/0/message/content").asText());
        assertThat(reasoning.get("watched"))
                .hasToString(watched.at("/choices/0/message/reasoning_content").asText());
        assertThat(ends).containsEntry("watched", "stop").containsEntry("cancelled while decoding", "cancelled");
        assertThat(content).doesNotContainKey("not watched");
        assertThat(reason("not watched")).isEqualTo("stop");
        assertThat(reason("late")).isEqualTo("deadline");
        assertThat(tokens("late")).isZero();
        assertThat(reason("cancelled before it came")).isEqualTo("cancelled");
        assertThat(tokens("cancelled before it came")).isLessThan(1900);
        assertThat(reason("cancelled while decoding")).isEqualTo("cancelled");
        assertThat(tokens("cancelled while decoding")).isBetween(1, 1899);
    }

    @Test
    void aJobRunsWithoutTheTopicsThatItCanDoWithout() throws IOException {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            broker.createTopics(1, "llm.prompts", "llm.completions", "llm.prompts.dlq", "llm.control");
            JobOptions options =
                    JobOptions.parse("--bootstrap-servers", broker.bootstrapServers(), "--model", "/models/m");
            JobOptions found = StartupChecks.broker(options);
            assertThat(found.find(ServiceOptions.PARTIALS_TOPIC)).isNull();
            assertThat(found.find(ServiceOptions.CONTROL_TOPIC)).isEqualTo("llm.control");
            assertThat(ServiceOptions.ofTopics(found).partialIntervalMillis()).isEqualTo(-1);
            assertThat(ServiceOptions.ofTopics(options).partialIntervalMillis()).isEqualTo(200);
        }
    }

    private void run(JobOptions options) throws IOException {
        try (Topic topics = Topic.open(
                        options.kafkaProperties(),
                        true,
                        "llm.completions",
                        "llm.prompts.dlq",
                        "llm.completions.partial");
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
            boolean isCancelSent = false;
            while (completions.size() < 5) {
                flink.throwIfMisconfigured();
                for (ConsumerRecord<byte[], byte[]> r : topics.poll(Duration.ofMillis(100))) {
                    take(r);
                }
                if (!isCancelSent && reasoning.containsKey("cancelled while decoding")) {
                    cancel(options, "cancelled while decoding");
                    isCancelSent = true;
                }
            }
            flink.cancel();
        }
    }

    private void take(ConsumerRecord<byte[], byte[]> r) throws IOException {
        assertThat(r.topic()).isNotEqualTo("llm.prompts.dlq");
        String id = new String(r.key(), UTF_8);
        JsonNode json = JSON.readTree(r.value());
        if (r.topic().equals("llm.completions")) {
            assertThat(completions.put(id, json)).as("twice").isNull();
            return;
        }
        JsonNode choice = json.at("/choices/0");
        add(reasoning, id, choice.get("reasoning_offset").asInt(), choice.at("/delta/reasoning_content"));
        add(content, id, choice.get("content_offset").asInt(), choice.at("/delta/content"));
        if (!choice.get("finish_reason").isNull()) {
            ends.put(id, choice.get("finish_reason").asText());
        }
    }

    private static void add(Map<String, StringBuilder> texts, String id, int offset, JsonNode piece) {
        StringBuilder text = texts.computeIfAbsent(id, k -> new StringBuilder());
        assertThat(offset).as("partials of %s are in order, without a gap", id).isEqualTo(text.length());
        text.append(piece.asText());
    }

    private static void publish(JobOptions options) {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "llm.prompts", 1 << 20)) {
            String sum = "\"messages\":[{\"role\":\"user\",\"content\":\"What is 14 + 71?\"}]";
            send(to, "watched", sum + ",\"stream\":true}");
            send(to, "not watched", sum + "}");
            send(to, "late", sum + ",\"deadline_ms\":1}");
            send(to, "cancelled before it came", sum + LONG);
            send(to, "cancelled while decoding", sum + LONG);
            to.flush();
        }
    }

    private static void send(TopicWriter to, String id, String rest) {
        to.send(id.getBytes(UTF_8), ("{\"id\":\"" + id + "\"," + rest).getBytes(UTF_8), List.of());
    }

    private static void cancel(JobOptions options, String id) {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "llm.control", 1 << 20)) {
            to.send(id.getBytes(UTF_8), "{\"cancel\":true}".getBytes(UTF_8), List.of());
            to.flush();
        }
    }

    private String reason(String id) {
        return completions.get(id).at("/choices/0/finish_reason").asText();
    }

    private int tokens(String id) {
        return completions.get(id).at("/usage/completion_tokens").asInt();
    }

    private static Path model() {
        return Path.of("..", "models", "tiny-r1").toAbsolutePath().normalize();
    }
}
