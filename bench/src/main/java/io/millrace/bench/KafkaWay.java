package io.millrace.bench;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.EmbeddedFlink;
import io.millrace.job.JobOptions;
import io.millrace.job.MillraceJob;
import io.millrace.job.Topic;
import io.millrace.job.TopicWriter;
import io.millrace.job.cli.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * The whole job: a broker in this JVM, exactly-once, completions read with read_committed. The job runs and has answered one short prompt
 * before the clock starts.
 */
final class KafkaWay implements ServingWay {
    private static final int NUM_PARTITIONS = 4;

    private final EngineConfig config;
    private final Duration checkpointInterval;

    KafkaWay(EngineConfig config, Duration checkpointInterval) {
        this.config = config;
        this.checkpointInterval = checkpointInterval;
    }

    @Override
    public void serve(RunClock clock) {
        Path folder = temporaryFolder();
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            JobOptions options = FlinkWay.options(
                    config,
                    checkpointInterval,
                    Map.of(
                            "bootstrap-servers",
                            broker.bootstrapServers(),
                            "checkpoint-dir",
                            folder.resolve("checkpoints").toUri().toString()));
            broker.createTopics(
                    NUM_PARTITIONS,
                    options.get(JobOptions.PROMPTS_TOPIC),
                    options.get(JobOptions.COMPLETIONS_TOPIC),
                    options.get(JobOptions.DLQ_TOPIC));
            serve(clock, options);
        }
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void serve(RunClock clock, JobOptions options) {
        try (TopicWriter prompts = TopicWriter.open(
                        options.kafkaProperties(),
                        options.get(JobOptions.PROMPTS_TOPIC),
                        EmbeddedBroker.MAX_MESSAGE_BYTES);
                Topic completions = Topic.open(
                        options.kafkaProperties(),
                        true,
                        options.get(JobOptions.COMPLETIONS_TOPIC),
                        options.get(JobOptions.DLQ_TOPIC));
                EmbeddedFlink flink = EmbeddedFlink.start(
                        MillraceJob.flinkSettings(options),
                        env -> MillraceJob.build(env, options, new TimedEngineSource()),
                        null)) {
            Workload one = new Workload(1, 1, 1, 1, 0);
            RunClock first = new RunClock(one, one.prompts(1), EngineHost.metrics());
            publish(first, prompts);
            first.awaitFinished(() -> FlinkWay.throwIfOver(flink, first));
            publish(clock, prompts);
            while (clock.numInvisible() > 0) {
                take(clock, completions, options); // returns with the first completion, after LOOK at the latest
                clock.throwIfFailed();
                FlinkWay.throwIfOver(flink, clock);
            }
            clock.awaitVisible(() -> {});
            flink.cancel();
        }
    }

    private static void publish(RunClock clock, TopicWriter prompts) {
        int n = clock.workload().numPrompts();
        byte[][] values = new byte[n][];
        for (int i = 0; i < n; i++) {
            values[i] = PromptBytes.of(clock, i);
        }
        clock.start();
        for (int i = 0; i < n; i++) {
            clock.handedOver(i);
            prompts.send(PromptBytes.key(clock, i), values[i], List.of());
        }
        prompts.flush();
    }

    private static void take(RunClock clock, Topic completions, JobOptions options) {
        for (ConsumerRecord<byte[], byte[]> r : completions.poll(RunClock.LOOK)) {
            int index = PromptBytes.index(clock, r.key());
            if (r.topic().equals(options.get(JobOptions.DLQ_TOPIC))) {
                throw new IllegalStateException("prompt " + index + " went to the dead letters: " + r.headers());
            }
            if (index >= 0) {
                clock.visible(index);
            }
        }
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("millrace-bench-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
