package io.millrace.job;

import io.millrace.operators.ContinuousBatchOperatorFactory;
import io.millrace.operators.DeadLetters;
import io.millrace.operators.EngineSource;
import io.millrace.operators.PartialEncoder;
import io.millrace.operators.WireRecord;
import java.util.Arrays;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pipeline: prompts from a topic, completions to another, each exactly once.
 *
 * <p>{@code flink run -c io.millrace.job.MillraceJob millrace.jar --model DIR --bootstrap-servers …}; {@link JobOptions} lists
 * the options. With {@code --print-config} it logs the effective values and starts nothing.
 */
public final class MillraceJob {
    private static final Logger LOG = LoggerFactory.getLogger(MillraceJob.class);
    private static final String PRINT_CONFIG = "--print-config";

    private MillraceJob() {}

    /** Checks the surroundings and runs the job. */
    public static void main(String[] args) throws Exception {
        boolean isDryRun = Arrays.asList(args).contains(PRINT_CONFIG);
        JobOptions options = JobOptions.parse(
                Arrays.stream(args).filter(a -> !a.equals(PRINT_CONFIG)).toArray(String[]::new));
        LOG.info("effective configuration:\n{}", options.toYaml());
        if (isDryRun) {
            return;
        }
        options = StartupChecks.broker(options);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(flinkSettings(options));
        build(env, options);
        env.execute("millrace");
    }

    /** Wires source, operator and sinks. Ids are fixed, so that a checkpoint of one version fits the next. */
    public static void build(StreamExecutionEnvironment env, JobOptions options) {
        build(env, options, EngineSource.JVM);
    }

    /** As {@link #build(StreamExecutionEnvironment, JobOptions)}, with an engine from elsewhere. */
    public static void build(StreamExecutionEnvironment env, JobOptions options, EngineSource engine) {
        KafkaEnds kafka = new KafkaEnds(options);

        DataStream<WireRecord> prompts = env.fromSource(kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                .uid("prompts");

        SingleOutputStreamOperator<WireRecord> completions = ContinuousBatchOperatorFactory.attach(
                prompts, options.batchSettings(ServiceOptions.ofTopics(options)), engine);

        completions.sinkTo(kafka.completions()).name("completions").uid("completions");

        completions
                .getSideOutput(DeadLetters.TAG)
                .sinkTo(kafka.deadLetters())
                .name("dead letters")
                .uid("dead-letters");

        completions
                .getSideOutput(PartialEncoder.TAG)
                .sinkTo(kafka.partials())
                .name("partials")
                .uid("partials");
    }

    /**
     * Returns what the job needs of Flink. Unaligned checkpoints are off: the operator is chained to its source, so that no
     * record waits in a channel in front of it.
     */
    public static Configuration flinkSettings(JobOptions options) {
        Configuration c = new Configuration();
        c.set(PipelineOptions.GENERIC_TYPES, false);
        c.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, options.get(JobOptions.CHECKPOINT_INTERVAL));
        c.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        c.set(CheckpointingOptions.ENABLE_UNALIGNED, false);
        c.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        c.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
        String checkpoints = options.find(JobOptions.CHECKPOINT_DIR);
        if (checkpoints != null) {
            c.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints);
        }
        int parallelism = options.get(JobOptions.PARALLELISM);
        if (parallelism > 0) {
            c.set(CoreOptions.DEFAULT_PARALLELISM, parallelism);
        }
        return c;
    }
}
