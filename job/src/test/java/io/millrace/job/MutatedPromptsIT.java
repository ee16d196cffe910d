package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionAvro;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.ContentType;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptAvro;
import io.millrace.schemas.PromptJson;
import io.millrace.schemas.WireException;
import io.millrace.schemas.WireLimits;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ten thousand damaged prompts of every form through Kafka, Flink and the engine: none of them restarts the job (restarts are switched
 * off: one would fail it), and each ends exactly once, as a completion or a dead letter. {@code -Dmillrace.mutations=N} for more; from
 * 100,000 on the heap must stay flat, too.
 */
class MutatedPromptsIT {
    private static final int NUM_PROMPTS = Integer.getInteger("millrace.mutations", 10_000);
    /** Fewer end before the heap has its working size. */
    private static final int NUM_FOR_FLATNESS = 100_000;

    private static final long SEED = 20261125;
    private static final Duration QUIET = Duration.ofMinutes(2);
    private static final List<Original> ORIGINALS = originals();

    private record Original(String form, byte[] value) {
        boolean isAvro() {
            return form.equals("avro");
        }
    }

    @TempDir
    static Path work;

    private final BitSet ended = new BitSet(NUM_PROMPTS);
    private final Map<String, Integer> completions = new TreeMap<>();
    private final Map<String, Integer> deadLetters = new TreeMap<>();
    private long heapAtTenPercent;
    /** The job still runs then; at the end its engine may be gone. */
    private long heapAtNinetyFivePercent;

    private long heapAtTheEnd;

    @Test
    @Timeout(value = 24, unit = TimeUnit.HOURS) // Flink's and Kafka's time-outs are shorter, and so is QUIET
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
            publish(options);
            Configuration settings = MillraceJob.flinkSettings(options);
            settings.set(RestartStrategyOptions.RESTART_STRATEGY, "disable");
            try (EmbeddedFlink flink = EmbeddedFlink.start(settings, env -> MillraceJob.build(env, options), null)) {
                takeAll(options, flink.result());
                JobResult result = flink.result().get(2, TimeUnit.MINUTES);
                assertThat(result.getJobStatus().orElseThrow()).isEqualTo(JobStatus.FINISHED);
            }
        }
        System.out.printf(
                "%d mutated prompts: completions %s, dead letters %s; heap after GC at 10 %%: %d KiB, at 95 %%: %d KiB, at the end: %d KiB%n",
                NUM_PROMPTS,
                completions,
                deadLetters,
                heapAtTenPercent >> 10,
                heapAtNinetyFivePercent >> 10,
                heapAtTheEnd >> 10);
        check();
    }

    private void check() {
        int numCompletions =
                completions.values().stream().mapToInt(Integer::intValue).sum();
        int numDeadLetters =
                deadLetters.values().stream().mapToInt(Integer::intValue).sum();
        assertThat(numCompletions + numDeadLetters).isEqualTo(NUM_PROMPTS);
        assertThat(ended.cardinality()).isEqualTo(NUM_PROMPTS);
        // A quarter isn't mutated at all; most of the others break.
        for (String form : ORIGINALS.stream().map(Original::form).distinct().toList()) {
            int all = completions.getOrDefault(form, 0) + deadLetters.getOrDefault(form, 0);
            assertThat(completions.get(form)).as("completions of %s", form).isGreaterThan(all / 5);
            assertThat(deadLetters.get(form)).as("dead letters of %s", form).isGreaterThan(all / 10);
        }
        if (NUM_PROMPTS >= NUM_FOR_FLATNESS) {
            assertThat(heapAtNinetyFivePercent).isBetween(heapAtTenPercent * 95 / 100, heapAtTenPercent * 105 / 100);
            assertThat(heapAtTheEnd).isLessThanOrEqualTo(heapAtTenPercent * 105 / 100);
        }
    }

    private static void publish(JobOptions options) {
        try (TopicWriter writer =
                TopicWriter.open(options.kafkaProperties(), "llm.prompts", EmbeddedBroker.MAX_MESSAGE_BYTES)) {
            for (int i = 0; i < NUM_PROMPTS; i++) {
                ContentType type = original(i).isAvro() ? ContentType.AVRO : ContentType.JSON;
                writer.send(
                        Integer.toString(i).getBytes(UTF_8),
                        mutated(i),
                        List.of(new RecordHeader(
                                ContentType.HEADER, type.mimeType().getBytes(UTF_8))));
            }
            writer.flush();
        }
    }

    private static Original original(int i) {
        return ORIGINALS.get(i % ORIGINALS.size());
    }

    /** Returns the i-th damaged prompt, the same each time: a million of them needn't be kept. */
    private static byte[] mutated(int i) {
        return mutate(original(i).value().clone(), new SplittableRandom(SEED + i));
    }

    private static List<Original> originals() {
        List<Original> list = new ArrayList<>();
        String chat =
                "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Wie viel ist 3 + 4? 你好 😀\"}]";
        List<String> json = List.of(
                "{\"id\":\"a\"," + chat + ",\"max_tokens\":2,\"temperature\":0.6,\"top_p\":0.95,\"seed\":7}",
                "{" + chat
                        + ",\"max_tokens\":1,\"n\":2,\"logprobs\":true,\"top_logprobs\":3,\"stop\":[\"Sum\",\"\\n\"]}",
                "{\"id\":\"b\",\"prompt\":\"raw <think> text\",\"max_tokens\":2,\"raw\":true}",
                "{\"prompt\":[0,492,305,261,493,487,201],\"max_tokens\":2,\"return_token_ids\":true}");
        json.forEach(text -> list.add(new Original("json", text.getBytes(UTF_8))));
        for (String text : json) {
            try {
                Prompt prompt = PromptJson.decode(text.getBytes(UTF_8), WireLimits.ofRequestBytes(1 << 20), false);
                list.add(new Original("avro", PromptAvro.encode(prompt)));
            } catch (WireException e) {
                throw new IllegalStateException(e);
            }
        }
        for (String more : List.of("\"logit_bias\":{\"19\":1.5},\"frequency_penalty\":0.5", "\"n\":2,\"min_p\":0.1")) {
            String line = "{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{" + chat
                    + ",\"max_tokens\":2," + more + "}}";
            list.add(new Original("batch line", line.getBytes(UTF_8)));
        }
        for (String steps : List.of(
                "{\"fork\":2,\"do\":[{\"user\":\"3 + 4?\"},{\"gen\":\"try\",\"max_tokens\":2,\"temperature\":1.2}]},"
                        + "{\"select\":\"best\",\"from\":[\"{try[0]}\",\"7\"]}",
                "{\"repeat\":2,\"do\":[{\"user\":\"Add 4.\"},{\"gen\":\"sum\",\"max_tokens\":1}],\"until\":{\"sum\":\"7\"}}")) {
            list.add(new Original("program", ("{\"id\":\"p\",\"program\":[" + steps + "]}").getBytes(UTF_8)));
        }
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

    /** Takes completions and dead letters as they come, so that the heap can be looked at in the middle. */
    private void takeAll(JobOptions options, CompletableFuture<JobResult> result) throws Exception {
        try (Topic topic = Topic.open(options.kafkaProperties(), true, "llm.completions", "llm.prompts.dlq")) {
            long lastTaken = System.nanoTime();
            while (ended.cardinality() < NUM_PROMPTS) {
                boolean isOver = result.isDone();
                for (ConsumerRecord<byte[], byte[]> r : topic.poll(Duration.ofMillis(100))) {
                    take(r);
                    lastTaken = System.nanoTime();
                    if (heapAtTenPercent == 0 && ended.cardinality() >= NUM_PROMPTS / 10) {
                        heapAtTenPercent = heapAfterGc();
                    }
                    if (heapAtNinetyFivePercent == 0 && ended.cardinality() >= NUM_PROMPTS / 100 * 95) {
                        heapAtNinetyFivePercent = heapAfterGc();
                    }
                }
                boolean isQuiet = isOver || System.nanoTime() - lastTaken > QUIET.toNanos();
                if (isQuiet && ended.cardinality() < NUM_PROMPTS) {
                    assertThat(topic.isBefore(topic.ends()))
                            .as(
                                    "answers still to come after %d of %d; job: %s",
                                    ended.cardinality(), NUM_PROMPTS, result)
                            .isTrue();
                }
            }
            heapAtTheEnd = heapAfterGc();
            topic.poll(Duration.ofSeconds(3)).forEach(this::take); // what comes twice
        }
    }

    private static long heapAfterGc() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private void take(ConsumerRecord<byte[], byte[]> r) {
        int i = Integer.parseInt(new String(r.key(), UTF_8));
        assertThat(ended.get(i)).as("prompt %d ended before", i).isFalse();
        ended.set(i);
        if (r.topic().equals("llm.completions")) {
            completions.merge(original(i).form(), 1, Integer::sum);
            checkCompletion(i, r.value());
        } else {
            deadLetters.merge(original(i).form(), 1, Integer::sum);
            assertThat(r.value()).as("original bytes of %d", i).isEqualTo(mutated(i));
            for (String name :
                    List.of("stage", "class", "message", "topic", "partition", "offset", "attempt", "retriable")) {
                Header h = r.headers().lastHeader("__llm.errors." + name);
                assertThat(h).as("header %s of %d", name, i).isNotNull();
            }
        }
    }

    private static void checkCompletion(int i, byte[] value) {
        try {
            Completion c = original(i).isAvro() ? CompletionAvro.decode(value) : CompletionJson.decode(value);
            assertThat(c.choices()).isNotEmpty();
        } catch (WireException e) {
            throw new AssertionError("completion of " + i + ": " + e.getMessage(), e);
        }
    }
}
