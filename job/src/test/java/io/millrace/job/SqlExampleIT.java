package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.cli.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** examples/sql over a topic that the job wrote: its figures are those of the completions themselves, read without SQL. */
@Timeout(180)
class SqlExampleIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, String> QUESTIONS = questions();

    @TempDir
    Path folder;

    private final Map<String, JsonNode> completions = new LinkedHashMap<>();

    private static Map<String, String> questions() {
        Map<String, String> questions = new LinkedHashMap<>();
        questions.put("q-1", "What is 70 x 5?");
        questions.put("q-2", "What is 12 + 30?");
        questions.put("q-3", "Divide 11 by 6. What is the remainder?");
        return questions;
    }

    @Test
    void countsAndJoinsWhatTheJobWrote() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            broker.createTopics(2, "llm.prompts", "llm.completions", "llm.prompts.dlq");
            answer(JobOptions.parse(
                    "--bootstrap-servers",
                    broker.bootstrapServers(),
                    "--model",
                    Home.tinyR1().toString(),
                    "--checkpoint-interval",
                    "300 ms",
                    "--checkpoint-dir",
                    folder.resolve("checkpoints").toUri().toString()));

            List<List<Row>> results = run(broker.bootstrapServers());
            assertThat(results).hasSize(2);
            assertThat(results.get(0)).containsExactlyInAnyOrderElementsOf(expectedTotals());
            assertThat(results.get(1))
                    .containsExactlyInAnyOrderElementsOf(completions.entrySet().stream()
                            .map(e -> Row.of(
                                    e.getKey(),
                                    QUESTIONS.get(e.getKey()),
                                    e.getValue()
                                            .at("/choices/0/message/content")
                                            .textValue(),
                                    e.getValue().at("/choices/0/finish_reason").textValue()))
                            .toList());
        }
    }

    /** Two answers to their end, one that its limit cuts off. */
    private void answer(JobOptions options) throws IOException {
        try (TopicWriter to = TopicWriter.open(options.kafkaProperties(), "llm.prompts", 1 << 20)) {
            for (Map.Entry<String, String> q : QUESTIONS.entrySet()) {
                String prompt =
                        "{\"id\": \"%s\", \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}], \"temperature\": 0, \"max_tokens\": %d}";
                to.send(
                        q.getKey().getBytes(UTF_8),
                        prompt.formatted(q.getKey(), q.getValue(), q.getKey().equals("q-3") ? 5 : 200)
                                .getBytes(UTF_8),
                        List.of());
            }
            to.flush();
        }
        try (Topic topic = Topic.open(options.kafkaProperties(), true, "llm.completions");
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null)) {
            while (completions.size() < QUESTIONS.size()) {
                flink.throwIfMisconfigured();
                for (ConsumerRecord<byte[], byte[]> r : topic.poll(Duration.ofMillis(100))) {
                    completions.put(new String(r.key(), UTF_8), JSON.readTree(r.value()));
                }
            }
            flink.cancel();
        }
    }

    /** Runs the example's statements and returns the rows of its queries. */
    private static List<List<Row>> run(String bootstrapServers) throws Exception {
        String sql = Files.readString(Home.folder().resolve("examples/sql/completions.sql"))
                .replaceAll("(?m)^--.*\n", "")
                .replace("localhost:9092", bootstrapServers);
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inBatchMode());
        List<List<Row>> results = new ArrayList<>();
        for (String statement : sql.split(";\\s*\n")) {
            if (statement.strip().startsWith("SELECT")) {
                List<Row> rows = new ArrayList<>();
                try (CloseableIterator<Row> found = tables.executeSql(statement).collect()) {
                    found.forEachRemaining(rows::add);
                }
                results.add(rows);
            } else if (statement.strip().startsWith("CREATE")) {
                tables.executeSql(statement);
            } else {
                assertThat(statement.strip()).startsWith("SET '"); // the client's
            }
        }
        return results;
    }

    private List<Row> expectedTotals() {
        List<Row> rows = new ArrayList<>();
        for (String reason : List.of("stop", "length")) {
            List<JsonNode> ended = completions.values().stream()
                    .filter(c -> c.path("finish_reason").asText().equals(reason))
                    .toList();
            assertThat(ended).as(reason).isNotEmpty();
            rows.add(Row.of(
                    "tiny-r1",
                    reason,
                    (long) ended.size(),
                    longs(ended, "/usage/prompt_tokens").sum(),
                    longs(ended, "/usage/completion_tokens").sum(),
                    longs(ended, "/usage/completion_tokens_details/reasoning_tokens")
                            .sum(),
                    ended.stream()
                            .mapToDouble(c -> c.at("/provenance/ttft_ms").asDouble())
                            .max()
                            .orElseThrow()));
        }
        return rows;
    }

    private static LongStream longs(List<JsonNode> completions, String path) {
        return completions.stream().mapToLong(c -> c.at(path).asLong());
    }
}
