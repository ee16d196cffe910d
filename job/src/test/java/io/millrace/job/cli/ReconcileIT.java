package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.Topic;
import io.millrace.job.TopicWriter;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.Prompt;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** {@code reconcile} and {@code dlq} against a broker: what is listed, what is copied, and that nothing is copied twice. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReconcileIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path work;

    private EmbeddedBroker broker;
    private int run;
    private String prompts = "";
    private String completions = "";
    private String dlq = "";

    @BeforeAll
    void start() {
        broker = EmbeddedBroker.start(work.resolve("broker"));
    }

    @AfterAll
    void stop() {
        broker.close();
    }

    @BeforeEach
    void createTopics() {
        run++;
        prompts = "my-prompts-" + run; // hyphens: positions have some too
        completions = "completions" + run;
        dlq = "dlq" + run;
        broker.createTopics(1, prompts, completions, dlq);
    }

    @Test
    void findsWhatHasNoAnswerAndPublishesItOnce() throws Exception {
        for (int i = 0; i < 6; i++) {
            send(prompts, "k" + i, "{\"id\":\"same\",\"prompt\":\"" + i + "\"}", header("h", "v" + i));
        }
        send(completions, "k0", completion(prompts + "-0-0"));
        send(dlq, "k1", "bytes", letterOf(1));
        jobHasRead(5);
        try (KafkaProducer<byte[], byte[]> open = openTransaction(completions, completion(prompts + "-0-2"))) {
            JsonNode seen = reconcile(3);
            assertThat(seen.path("prompts").asInt()).isEqualTo(6);
            assertThat(seen.path("answered").asInt()).isEqualTo(2);
            assertThat(seen.path("uncommitted").asInt()).isEqualTo(1);
            assertThat(seen.path("not_read").asInt()).isEqualTo(1);
            assertThat(seen.path("missing").asInt()).isEqualTo(2);
            assertThat(reconcile(0, "--older-than", "3600").path("recent").asInt())
                    .isEqualTo(2);
            open.abortTransaction(); // as if it had timed out: now that answer is lost too
        }
        assertThat(reconcile(3).path("missing").asInt()).isEqualTo(3);
        assertThat(read(prompts)).hasSize(6);

        assertThat(reconcile(0, "--publish").path("republished").asInt()).isEqualTo(3);
        assertThat(reconcile(0, "--publish").path("republished").asInt()).isZero();

        List<ConsumerRecord<byte[], byte[]>> all = read(prompts);
        assertThat(all).hasSize(9);
        for (int i = 0; i < 3; i++) {
            ConsumerRecord<byte[], byte[]> original = all.get(2 + i);
            ConsumerRecord<byte[], byte[]> copy = all.get(6 + i);
            assertThat(copy.key()).isEqualTo(original.key());
            assertThat(copy.value()).isEqualTo(original.value());
            assertThat(text(copy, "h")).isEqualTo("v" + (2 + i));
            assertThat(text(copy, "__llm.republished-from")).isEqualTo(prompts + "-0-" + (2 + i));
        }
    }

    @Test
    void aLostCopyIsCopiedAgainAndAnAnsweredOneIsNot() throws Exception {
        send(prompts, "a", "{}");
        send(prompts, "b", "{}");
        jobHasRead(2);
        assertThat(reconcile(0, "--publish").path("republished").asInt()).isEqualTo(2);
        send(completions, "a", completion(prompts + "-0-2"));
        jobHasRead(5);

        JsonNode seen = reconcile(0, "--publish");

        assertThat(seen.path("republished").asInt()).isEqualTo(1);
        List<ConsumerRecord<byte[], byte[]>> all = read(prompts);
        assertThat(text(all.get(4), "__llm.republished-from")).isEqualTo(prompts + "-0-3");
    }

    @Test
    void publishesNothingWhileAnAnswerCannotBeAttributed() throws Exception {
        send(prompts, "a", "{}");
        send(completions, "a", "{\"no\":\"completion\"}");
        jobHasRead(1);

        CommandRun refused = command("reconcile", "--older-than", "0", "--publish");

        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("1 records on " + completions).contains("nothing is published");
        assertThat(read(prompts)).hasSize(1);
        assertThat(reconcile(3).path("unattributed_answers").asInt()).isEqualTo(1);
    }

    @Test
    void listsShowsAndReplaysDeadLettersOnce() throws Exception {
        byte[] odd = {(byte) 0xff, 0, '\n'};
        broker(dlq, "k0", odd, letterOf(0));
        Header[] retriable = letterOf(1);
        retriable[4] = header("__llm.errors.retriable", "true");
        broker(dlq, "k1", "{\"prompt\":\"x\"}".getBytes(UTF_8), retriable);
        broker(dlq, "k2", "cut".getBytes(UTF_8), letterOf(2)[0], header("__llm.errors.truncated", "99999"));

        CommandRun list = command("dlq", "list");
        assertThat(list.out().lines()).hasSize(3);
        assertThat(list.out()).contains(dlq + "-0-1  \"k1\"  decode-step  attempt 1  retriable  no luck");
        assertThat(command("dlq", "list", "--retriable").out().lines()).hasSize(1);
        JsonNode shown = command("dlq", "show", dlq + "-0-0").json();
        assertThat(shown.path("value_base64").binaryValue()).isEqualTo(odd);
        assertThat(shown.path("prompt").asText()).isEqualTo(prompts + "-0-0");
        CommandRun none = command("dlq", "show", dlq + "-0-7");
        assertThat(none.exitCode()).isEqualTo(2);
        assertThat(none.err()).contains("no dead letter " + dlq + "-0-7");

        assertThat(replay(0, "--retriable", "--dry-run").path("replayed").asInt())
                .isZero();
        assertThat(replay(0, "--retriable").path("replayed").asInt()).isEqualTo(1);
        JsonNode rest = replay(3);
        assertThat(rest.path("matching").asInt()).isEqualTo(3);
        assertThat(rest.path("replayed").asInt()).isEqualTo(1);
        assertThat(rest.path("replayed_before").asInt()).isEqualTo(1);
        assertThat(rest.path("truncated").asInt()).isEqualTo(1);
        List<ConsumerRecord<byte[], byte[]>> again = read(prompts);
        assertThat(again).extracting(r -> new String(r.key(), UTF_8)).containsExactly("k1", "k0");
        assertThat(again.get(1).value()).isEqualTo(odd);
        assertThat(text(again.get(0), "__llm.errors.attempt")).isEqualTo("1");
    }

    private JsonNode reconcile(int exitCode, String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("reconcile", "--json"));
        if (!List.of(more).contains("--older-than")) {
            args.addAll(List.of("--older-than", "0"));
        }
        args.addAll(List.of(more));
        CommandRun r = command(args.toArray(String[]::new));
        assertThat(r.exitCode()).as(r.err()).isEqualTo(exitCode);
        return r.json();
    }

    private JsonNode replay(int exitCode, String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("dlq", "replay", "--json"));
        args.addAll(List.of(more));
        CommandRun r = command(args.toArray(String[]::new));
        assertThat(r.exitCode()).as(r.err()).isEqualTo(exitCode);
        return r.json();
    }

    private CommandRun command(String... args) {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--bootstrap-servers", broker.bootstrapServers(), "--prompts-topic", prompts));
        all.addAll(List.of("--completions-topic", completions, "--dlq-topic", dlq, "--group-id", "g" + run));
        return CommandRun.of("", all.toArray(String[]::new));
    }

    private void send(String topic, String key, String value, Header... headers) {
        broker(topic, key, value.getBytes(UTF_8), headers);
    }

    private void broker(String topic, String key, byte[] value, Header... headers) {
        try (TopicWriter to = TopicWriter.open(client(), topic, 1 << 20)) {
            to.send(key.getBytes(UTF_8), value, List.of(headers));
            to.flush();
        }
    }

    private KafkaProducer<byte[], byte[]> openTransaction(String topic, String value) {
        Properties p = client();
        p.setProperty("transactional.id", "open");
        KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8)));
        producer.flush();
        return producer;
    }

    private void jobHasRead(long offset) throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(client())) {
            admin.alterConsumerGroupOffsets(
                            "g" + run, Map.of(new TopicPartition(prompts, 0), new OffsetAndMetadata(offset)))
                    .all()
                    .get();
        }
    }

    private List<ConsumerRecord<byte[], byte[]>> read(String topic) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (Topic t = Topic.open(client(), true, topic)) {
            Map<TopicPartition, Long> ends = t.ends();
            while (t.isBefore(ends)) {
                t.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }

    private Properties client() {
        Properties p = new Properties();
        p.setProperty("bootstrap.servers", broker.bootstrapServers());
        return p;
    }

    private Header[] letterOf(long offset) {
        return new Header[] {
            header("__llm.errors.topic", prompts),
            header("__llm.errors.partition", "0"),
            header("__llm.errors.offset", Long.toString(offset)),
            header("__llm.errors.stage", "decode-step"),
            header("__llm.errors.retriable", "false"),
            header("__llm.errors.attempt", "1"),
            header("__llm.errors.message", "no luck")
        };
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, value.getBytes(UTF_8));
    }

    private static String text(ConsumerRecord<byte[], byte[]> r, String header) {
        return new String(r.headers().lastHeader(header).value(), UTF_8);
    }

    private static String completion(String source) {
        return new String(
                CompletionJson.encode(new Completion(
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
                        new Completion.Provenance("h", "v", "cpu", "tp1", 0, Map.of(), 1, 2, 0, 0, 0, source))),
                UTF_8);
    }
}
