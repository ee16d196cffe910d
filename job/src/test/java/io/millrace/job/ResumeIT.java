package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineHost;
import io.millrace.operators.ContinuousBatchOperatorFactory;
import io.millrace.operators.DeadLetters;
import io.millrace.operators.WireRecord;
import io.millrace.schemas.Completion;
import io.millrace.schemas.CompletionJson;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Through Kafka and Flink: a run that is killed, and one that goes on elsewhere, give the bytes of an undisturbed one. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ResumeIT {
    private static final int NUM_PROMPTS = 60;
    private static final int MAX_NUM_SEQS = 16;

    @TempDir
    static Path work;

    private EmbeddedBroker broker;
    private Map<String, String> undisturbed;

    @BeforeAll
    void start() {
        broker = EmbeddedBroker.start(work.resolve("broker"));
        Run run = new Run("undisturbed", 2);
        undisturbed = run.finish(run.start(null));
        assertThat(undisturbed).hasSize(NUM_PROMPTS);
    }

    @AfterAll
    void stop() {
        broker.close();
    }

    /**
     * Notes at each checkpoint how many tokens this JVM's engines had drawn; the last completed checkpoint's count stands. It looks ahead of
     * the barrier and stands before the batch operator, so that it looks first: whatever is made again was made after it looked.
     */
    static final class Recorder extends AbstractStreamOperator<WireRecord>
            implements OneInputStreamOperator<WireRecord, WireRecord> {
        private static final long serialVersionUID = 1L;
        static final Map<Long, Long> DRAWN_AT = new ConcurrentHashMap<>();
        static final AtomicLong DRAWN_AT_LAST_COMPLETED = new AtomicLong();

        @Override
        public void processElement(StreamRecord<WireRecord> element) {
            output.collect(element);
        }

        @Override
        public void prepareSnapshotPreBarrier(long checkpointId) {
            DRAWN_AT.merge(checkpointId, EngineHost.metrics().generationTokens.sum(), Math::min);
        }

        @Override
        public void notifyCheckpointComplete(long checkpointId) throws Exception {
            super.notifyCheckpointComplete(checkpointId);
            DRAWN_AT_LAST_COMPLETED.accumulateAndGet(DRAWN_AT.getOrDefault(checkpointId, 0L), Math::max);
        }
    }

    /** One run of the job with topics of its own. */
    private final class Run {
        final JobOptions options;
        final Map<String, String> answers = new TreeMap<>();
        final List<ConsumerRecord<byte[], byte[]>> deadLetters = new ArrayList<>();
        final Topic topic;
        long completionTokens;
        long resumedTokens;
        int numRecords;

        Run(String name, int parallelism) {
            String[] topics = {name + ".prompts", name + ".completions", name + ".dlq"};
            broker.createTopics(4, topics);
            options = options(name, parallelism);
            publish();
            topic = Topic.open(options.kafkaProperties(), true, topics[1], topics[2]);
        }

        private JobOptions options(String name, int parallelism) {
            return JobOptions.parse(
                    "--bootstrap-servers",
                    broker.bootstrapServers(),
                    "--prompts-topic",
                    name + ".prompts",
                    "--completions-topic",
                    name + ".completions",
                    "--dlq-topic",
                    name + ".dlq",
                    "--group-id",
                    name,
                    "--transactional-id-prefix",
                    name,
                    "--checkpoint-interval",
                    "150 ms",
                    "--checkpoint-dir",
                    work.resolve("checkpoints-" + name).toUri().toString(),
                    "--parallelism",
                    Integer.toString(parallelism),
                    "--model",
                    Path.of("..", "models", "tiny-r1").toString(),
                    "--max-num-seqs",
                    Integer.toString(MAX_NUM_SEQS));
        }

        private void publish() {
            try (TopicWriter writer = TopicWriter.open(
                    options.kafkaProperties(),
                    options.get(JobOptions.PROMPTS_TOPIC),
                    EmbeddedBroker.MAX_MESSAGE_BYTES)) {
                for (int i = 0; i < NUM_PROMPTS; i++) {
                    writer.send(("k" + i).getBytes(UTF_8), prompt(i).getBytes(UTF_8), List.of());
                }
                writer.flush();
            }
        }

        EmbeddedFlink start(@Nullable String restoreFrom) {
            return EmbeddedFlink.start(MillraceJob.flinkSettings(options), env -> build(env, options), restoreFrom);
        }

        /** Reads until {@code count} prompts are answered. */
        void await(int count) {
            long deadline = System.nanoTime() + Duration.ofMinutes(4).toNanos();
            while (answers.size() + deadLetters.size() < count) {
                take();
                assertThat(System.nanoTime())
                        .as("%s of %s answers", answers.size(), count)
                        .isLessThan(deadline);
            }
        }

        private void take() {
            for (ConsumerRecord<byte[], byte[]> r : topic.poll(Duration.ofMillis(20))) {
                numRecords++;
                if (r.topic().endsWith(".dlq")) {
                    deadLetters.add(r);
                    continue;
                }
                Completion c = decoded(r.value());
                completionTokens += c.usage().completionTokens();
                resumedTokens += c.provenance().resumed();
                answers.put(new String(r.key(), UTF_8), comparable(r.value()));
            }
        }

        /** Reads everything, ends the job, and looks once more for records too many. */
        Map<String, String> finish(EmbeddedFlink flink) {
            try (flink;
                    topic) {
                await(NUM_PROMPTS);
                flink.cancel();
                Map<TopicPartition, Long> ends = topic.ends();
                while (topic.isBefore(ends)) {
                    take();
                }
            }
            assertThat(deadLetters).isEmpty();
            assertThat(numRecords).as("each exactly once").isEqualTo(NUM_PROMPTS);
            return answers;
        }
    }

    private static void build(StreamExecutionEnvironment env, JobOptions options) {
        KafkaEnds kafka = new KafkaEnds(options);
        var prompts = env.fromSource(kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                .uid("prompts")
                .transform("recorder", TypeInformation.of(WireRecord.class), new Recorder())
                .uid("recorder");
        var completions = ContinuousBatchOperatorFactory.attach(prompts, options.batchSettings());
        completions.sinkTo(kafka.completions()).uid("completions");
        completions.getSideOutput(DeadLetters.TAG).sinkTo(kafka.deadLetters()).uid("dead-letters");
    }

    /** Long answers in every flavour: greedy, sampled, several samples, log-probabilities, token ids. */
    private static String prompt(int i) {
        String more = switch (i % 4) {
            case 0 -> "\"temperature\": 0";
            case 1 -> "\"temperature\": 0.6, \"top_p\": 0.95, \"seed\": " + i;
            case 2 -> "\"temperature\": 5, \"n\": 3, \"return_token_ids\": true";
            default -> "\"temperature\": 2, \"logprobs\": true, \"top_logprobs\": 2, \"frequency_penalty\": 0.5";
        };
        return "{\"id\": \"r" + i + "\", \"messages\": [{\"role\": \"user\", \"content\": \"What is " + (10 + i) + " + "
                + (200 - i) + "?\"}], \"ignore_eos\": true, \"max_tokens\": " + (100 + 3 * i) + ", " + more + "}";
    }

    private static Completion decoded(byte[] value) {
        try {
            return CompletionJson.decode(value);
        } catch (io.millrace.schemas.WireException e) {
            throw new AssertionError(e);
        }
    }

    /** What may not differ between runs; where a prompt lay depends on the topic's name alone. */
    private static String comparable(byte[] value) {
        try {
            return new String(CompletionJson.comparable(value), UTF_8)
                    .replaceFirst("\"source\":\"[a-z]+\\.prompts-", "\"source\":\"prompts-");
        } catch (io.millrace.schemas.WireException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void threeKillsChangeNothingAndRedoOnlyWhatNoCheckpointHad() {
        long drawnBefore = EngineHost.metrics().generationTokens.sum();
        Recorder.DRAWN_AT.clear(); // checkpoints of the undisturbed run had the same numbers
        Recorder.DRAWN_AT_LAST_COMPLETED.set(drawnBefore);
        Run run = new Run("killed", 2);
        EmbeddedFlink flink = run.start(null);
        long madeSinceCheckpoint = 0;
        for (int kill = 1; kill <= 3; kill++) {
            run.await(12 * kill);
            long drawnAtCheckpoint = Recorder.DRAWN_AT_LAST_COMPLETED.get();
            flink.killTaskManager();
            madeSinceCheckpoint += EngineHost.metrics().generationTokens.sum() - drawnAtCheckpoint;
        }
        assertThat(run.finish(flink)).isEqualTo(undisturbed);
        long drawn = EngineHost.metrics().generationTokens.sum() - drawnBefore;
        long regenerated = drawn - run.completionTokens;
        System.out.printf(
                "3 kills: %d tokens resumed, %d regenerated, %d made since the last completed checkpoints%n",
                run.resumedTokens, regenerated, madeSinceCheckpoint);
        assertThat(run.resumedTokens).isPositive();
        assertThat(regenerated).isBetween(0L, madeSinceCheckpoint);
    }

    @Test
    void aSavepointGoesOnAtAnotherParallelism() {
        Run run = new Run("rescaled", 2);
        EmbeddedFlink flink = run.start(null);
        run.await(10);
        String savepoint =
                flink.stopWithSavepoint(work.resolve("savepoints").toUri().toString());
        flink.close();
        JobOptions wider = run.options("rescaled", 3);
        EmbeddedFlink again =
                EmbeddedFlink.start(MillraceJob.flinkSettings(wider), env -> build(env, wider), savepoint);
        assertThat(run.finish(again)).isEqualTo(undisturbed);
        assertThat(run.resumedTokens).isPositive();
    }
}
