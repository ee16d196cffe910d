package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole pipeline with broker, Flink and engine: goldens come back token by token, everything wrong becomes a dead letter. */
@Timeout(300)
class PipelineIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path MODEL = model();
    private static final RecordHeader TRACE = new RecordHeader("traceparent", "00-abc-def-01".getBytes(UTF_8));

    @TempDir
    Path folder;

    private final Map<String, JsonNode> goldens = new LinkedHashMap<>();
    private final Map<String, Bad> bad = new LinkedHashMap<>();

    /** A wrong record, and what its dead letter must say. */
    private record Bad(byte[] value, String contentType, String stage, String message) {}

    @Test
    void answersWhatIsRightAndSetsAsideWhatIsWrong() throws IOException {
        loadGoldens();
        makeBad();
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            broker.createTopics(2, "llm.prompts", "llm.completions", "llm.prompts.dlq");
            JobOptions options = JobOptions.parse(
                    "--bootstrap-servers",
                    broker.bootstrapServers(),
                    "--model",
                    MODEL.toString(),
                    "--checkpoint-interval",
                    "300 ms",
                    "--parallelism",
                    "2",
                    "--max-completion-bytes",
                    "8000000",
                    "--temperature",
                    "0",
                    "--checkpoint-dir",
                    folder.resolve("checkpoints").toUri().toString());
            publish(options);
            StartupChecks.broker(options);
            Map<String, ConsumerRecord<byte[], byte[]>> completions = new HashMap<>();
            Map<String, ConsumerRecord<byte[], byte[]>> letters = new HashMap<>();
            run(options, completions, letters);

            assertThat(completions.keySet()).isEqualTo(goldens.keySet());
            assertThat(letters.keySet()).isEqualTo(bad.keySet());
            for (String id : goldens.keySet()) {
                checkCompletion(completions.get(id), goldens.get(id));
            }
            bad.forEach((key, expected) -> checkLetter(letters.get(key), expected));
        }
    }

    private void run(
            JobOptions options,
            Map<String, ConsumerRecord<byte[], byte[]>> completions,
            Map<String, ConsumerRecord<byte[], byte[]>> letters) {
        try (Topic topics = Topic.open(options.kafkaProperties(), true, "llm.completions", "llm.prompts.dlq");
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
            while (completions.size() + letters.size() < goldens.size() + bad.size()) {
                flink.throwIfMisconfigured();
                for (ConsumerRecord<byte[], byte[]> r : topics.poll(Duration.ofMillis(100))) {
                    var to = r.topic().equals("llm.completions") ? completions : letters;
                    assertThat(to.put(new String(r.key(), UTF_8), r))
                            .as("twice")
                            .isNull();
                }
            }
            assertThat(flink.status().name()).isEqualTo("RUNNING");
            flink.cancel();
        }
    }

    /** Good and bad ones take turns; a bad one comes first, a good one last. */
    private void publish(JobOptions options) throws IOException {
        List<Map.Entry<String, Bad>> wrong = new ArrayList<>(bad.entrySet());
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "llm.prompts", 7 << 20)) {
            int i = 0;
            for (Map.Entry<String, JsonNode> golden : goldens.entrySet()) {
                if (i < wrong.size()) {
                    Bad b = wrong.get(i).getValue();
                    to.send(
                            wrong.get(i).getKey().getBytes(UTF_8),
                            b.value,
                            List.of(TRACE, new RecordHeader("content-type", b.contentType.getBytes(UTF_8))));
                }
                i++;
                ObjectNode body = JSON.createObjectNode();
                body.put("id", golden.getKey())
                        .put("return_token_ids", true)
                        .put("max_tokens", golden.getValue().path("max_tokens").asInt());
                body.set("messages", golden.getValue().path("messages"));
                to.send(golden.getKey().getBytes(UTF_8), JSON.writeValueAsBytes(body), List.of(TRACE));
            }
            assertThat(i).isGreaterThan(wrong.size());
            to.flush();
        }
    }

    private void loadGoldens() throws IOException {
        for (String line : Files.readAllLines(MODEL.resolve("goldens.jsonl"))) {
            JsonNode golden = JSON.readTree(line);
            goldens.put(golden.path("id").asText(), golden);
        }
    }

    private void makeBad() {
        String head = "{\"messages\":[{\"role\":\"user\",\"content\":\"";
        bad("not UTF-8", bytes(head, 0xff, "\"}]}"), "decode", "UTF-8");
        bad("not JSON", "what is 1 + 1?", "decode", "not valid JSON");
        bad("wrong types", "{\"messages\":\"hello\"}", "decode", "messages");
        bad("3,000 tokens", head + "7 ".repeat(1500) + "\"}],\"temperature\":0}", "", "context");
        bad(
                "temperature",
                head + "x\"}],\"temperature\":-1}",
                "validate",
                "temperature is -1.0 but must be from 0.0 to 100.0");
        bad("unknown role", "{\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}", "decode", "king");
        bad("n 1000", head + "x\"}],\"n\":1000}", "validate", "n is 1000 but must be from 1 to 128");
        bad("empty messages", "{\"messages\":[]}", "decode", "messages");
        bad("lone surrogates", head + "\\ud800\"}]}", "decode", "surrogate");
        bad.put("null value", new Bad(null, "application/json", "decode", "value is null"));
        bad("5 MB", head + "x".repeat(5_000_000) + "\"}]}", "decode", "the limit is 1048576");
        bad("deep", head + "x\"}],\"metadata\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}", "decode", "");
        bad.put(
                "foreign Avro",
                new Bad(new byte[] {(byte) 0xc3, 1, 9, 9, 9, 9, 9, 9, 9, 9, 2, 4}, "application/avro", "decode", ""));
        bad.put("odd content type", new Bad("{}".getBytes(UTF_8), "text/plain", "decode", "text/plain"));
    }

    private void bad(String key, String value, String stage, String message) {
        bad.put(key, new Bad(value.getBytes(UTF_8), "application/json", stage, message));
    }

    private void bad(String key, byte[] value, String stage, String message) {
        bad.put(key, new Bad(value, "application/json", stage, message));
    }

    private static byte[] bytes(String head, int b, String tail) {
        byte[] bytes = (head + "x" + tail).getBytes(UTF_8);
        bytes[head.length()] = (byte) b;
        return bytes;
    }

    private static void checkCompletion(ConsumerRecord<byte[], byte[]> r, JsonNode golden) throws IOException {
        JsonNode json = JSON.readTree(r.value());
        String id = golden.path("id").asText();
        JsonNode choice = json.path("choices").path(0);
        assertThat(choice.path("token_ids")).as(id).isEqualTo(golden.path("completion_ids"));
        assertThat(json.path("prompt_token_ids")).as(id).isEqualTo(golden.path("prompt_ids"));
        assertThat(choice.path("finish_reason")).as(id).isEqualTo(golden.path("finish_reason"));
        assertThat(json.path("id").asText()).isEqualTo(id);
        assertThat(json.path("usage").path("completion_tokens").asInt())
                .isEqualTo(golden.path("completion_ids").size());
        assertThat(r.headers().lastHeader("traceparent")).isEqualTo(TRACE);
    }

    private static void checkLetter(ConsumerRecord<byte[], byte[]> r, Bad expected) {
        String key = new String(r.key(), UTF_8);
        assertThat(r.value()).as(key).isEqualTo(expected.value);
        assertThat(r.headers().lastHeader("traceparent")).as(key).isEqualTo(TRACE);
        assertThat(header(r, "content-type")).as(key).isEqualTo(expected.contentType);
        assertThat(header(r, "__llm.errors.message")).as(key).isNotBlank().contains(expected.message);
        assertThat(header(r, "__llm.errors.stage"))
                .as(key)
                .contains(expected.stage)
                .isNotBlank();
        assertThat(header(r, "__llm.errors.class")).as(key).startsWith("io.millrace.");
        assertThat(header(r, "__llm.errors.topic")).as(key).isEqualTo("llm.prompts");
        assertThat(header(r, "__llm.errors.partition")).as(key).matches("[01]");
        assertThat(header(r, "__llm.errors.offset")).as(key).matches("\\d+");
        assertThat(header(r, "__llm.errors.attempt")).as(key).isEqualTo("1");
        assertThat(header(r, "__llm.errors.retriable")).as(key).isEqualTo("false");
    }

    private static String header(ConsumerRecord<byte[], byte[]> r, String name) {
        Header h = r.headers().lastHeader(name);
        return h == null ? "" : new String(h.value(), UTF_8);
    }

    private static Path model() {
        Path p = Path.of("").toAbsolutePath();
        while (!Files.exists(p.resolve("models/tiny-r1/config.json"))) {
            p = p.getParent();
        }
        return p.resolve("models/tiny-r1");
    }
}
