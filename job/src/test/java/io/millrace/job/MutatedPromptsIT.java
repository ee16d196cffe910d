package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.schemas.CompletionJson;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten thousand damaged prompts through Kafka, Flink and the engine: none of them restarts the job (restarts are switched off: one
 * would fail it), and each ends exactly once, as a completion or a dead letter. {@code -Dmillrace.mutations=N} for more.
 */
class MutatedPromptsIT {
    private static final int NUM_PROMPTS = Integer.getInteger("millrace.mutations", 10_000);

    @TempDir
    static Path work;

    @Test
    void everyMutatedPromptEndsOnceAndTheJobNeverRestarts() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(work.resolve("broker"))) {
            broker.createTopics(2, "llm.prompts", "llm.completions", "llm.prompts.dlq");
            JobOptions options = JobOptions.parse(
                    "--bootstrap-servers",
                    broker.bootstrapServers(),
                    "--checkpoint-interval",
                    "1 s",
                    "--checkpoint-dir",
                    work.resolve("checkpoints").toUri().toString(),
                    "--parallelism",
                    "2",
                    "--model",
                    Path.of("..", "models", "tiny-r1").toString(),
                    "--max-model-len",
                    "256",
                    "--max-tokens",
                    "2",
                    "--bounded");
            Map<String, byte[]> published = publish(options);
            Configuration settings = MillraceJob.flinkSettings(options);
            settings.set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
            try (EmbeddedFlink flink = EmbeddedFlink.start(settings, env -> MillraceJob.build(env, options), null)) {
                JobResult result = flink.result().get(10, TimeUnit.MINUTES);
                assertThat(result.getJobStatus().orElseThrow()).isEqualTo(JobStatus.FINISHED);
            }
            check(options, published);
        }
    }

    /** Returns what was sent, by value's position in the order of sending; the key says which. */
    private static Map<String, byte[]> publish(JobOptions options) {
        SplittableRandom random = new SplittableRandom(20261125);
        List<byte[]> originals = originals();
        Map<String, byte[]> published = new HashMap<>();
        try (TopicWriter writer =
                TopicWriter.open(options.kafkaProperties(), "llm.prompts", EmbeddedBroker.MAX_MESSAGE_BYTES)) {
            for (int i = 0; i < NUM_PROMPTS; i++) {
                byte[] value = mutate(originals.get(i % originals.size()).clone(), random);
                published.put("m" + i, value);
                writer.send(("m" + i).getBytes(UTF_8), value, List.of());
            }
            writer.flush();
        }
        return published;
    }

    private static List<byte[]> originals() {
        List<byte[]> list = new ArrayList<>();
        String chat =
                "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Wie viel ist 3 + 4? 你好 😀\"}]";
        list.add(("{\"id\":\"a\"," + chat + ",\"max_tokens\":2,\"temperature\":0.6,\"top_p\":0.95,\"seed\":7}")
                .getBytes(UTF_8));
        list.add(("{" + chat
                        + ",\"max_tokens\":1,\"n\":2,\"logprobs\":true,\"top_logprobs\":3,\"stop\":[\"Sum\",\"\\n\"]}")
                .getBytes(UTF_8));
        list.add("{\"id\":\"b\",\"prompt\":\"raw <think> text\",\"max_tokens\":2,\"raw\":true}".getBytes(UTF_8));
        list.add("{\"prompt\":[0,492,305,261,493,487,201],\"max_tokens\":2,\"return_token_ids\":true}".getBytes(UTF_8));
        list.add(("{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{" + chat
                        + ",\"max_tokens\":2,\"logit_bias\":{\"19\":1.5},\"frequency_penalty\":0.5}}")
                .getBytes(UTF_8));
        return list;
    }

    private static byte[] mutate(byte[] value, SplittableRandom random) {
        byte[] out = value;
        for (int times = random.nextInt(4); times > 0; times--) {
            int at = random.nextInt(Math.max(1, out.length));
            switch (random.nextInt(6)) {
                case 0 -> out = flip(out, at, random.nextInt(256));
                case 1 -> out = java.util.Arrays.copyOf(out, at);
                case 2 ->
                    out = splice(out, at, at, new byte[] {(byte) "{}[],:\"\\019ntf-e".charAt(random.nextInt(16))});
                case 3 -> out = splice(out, at, Math.min(out.length, at + 1 + random.nextInt(8)), new byte[0]);
                case 4 -> out = splice(out, at, at, java.util.Arrays.copyOfRange(out, at / 2, at));
                default ->
                    out = splice(out, at, at, Integer.toString(random.nextInt()).getBytes(UTF_8));
            }
        }
        return out;
    }

    private static byte[] flip(byte[] value, int at, int bits) {
        if (at < value.length) {
            value[at] ^= (byte) bits;
        }
        return value;
    }

    private static byte[] splice(byte[] value, int from, int to, byte[] middle) {
        ByteBuffer out = ByteBuffer.allocate(value.length - (to - from) + middle.length);
        out.put(value, 0, from).put(middle).put(value, to, value.length - to);
        return out.array();
    }

    private static void check(JobOptions options, Map<String, byte[]> published) throws Exception {
        Map<String, Integer> ends = new TreeMap<>();
        int completions = 0;
        int deadLetters = 0;
        try (Topic topic = Topic.open(options.kafkaProperties(), true, "llm.completions", "llm.prompts.dlq")) {
            Map<TopicPartition, Long> last = topic.ends();
            while (topic.isBefore(last)) {
                for (ConsumerRecord<byte[], byte[]> r : topic.poll(java.time.Duration.ofMillis(100))) {
                    String key = new String(r.key(), UTF_8);
                    ends.merge(key, 1, Integer::sum);
                    if (r.topic().equals("llm.completions")) {
                        completions++;
                        assertThat(CompletionJson.decode(r.value()).choices()).isNotEmpty();
                    } else {
                        deadLetters++;
                        assertThat(r.value()).as("original bytes of %s", key).isEqualTo(published.get(key));
                        for (String name : List.of(
                                "stage", "class", "message", "topic", "partition", "offset", "attempt", "retriable")) {
                            Header h = r.headers().lastHeader("__llm.errors." + name);
                            assertThat(h).as("header %s of %s", name, key).isNotNull();
                        }
                    }
                }
            }
        }
        System.out.printf(
                "%d mutated prompts: %d completions, %d dead letters%n", NUM_PROMPTS, completions, deadLetters);
        assertThat(completions + deadLetters).isEqualTo(NUM_PROMPTS);
        assertThat(ends).hasSize(NUM_PROMPTS);
        // A quarter isn't mutated at all; most of the others break.
        assertThat(completions).isGreaterThan(NUM_PROMPTS / 5);
        assertThat(deadLetters).isGreaterThan(NUM_PROMPTS / 5);
    }
}
