package io.millrace.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.Parallelism;
import io.millrace.job.EmbeddedFlink;
import io.millrace.job.JobOptions;
import io.millrace.job.MillraceJob;
import io.millrace.operators.ContinuousBatchOperatorFactory;
import io.millrace.operators.DeadLetters;
import io.millrace.operators.WireRecord;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The operator in a Flink cluster, between a source and sinks in memory. The clock starts with the first prompt at the source. */
final class FlinkWay implements ServingWay {
    private final JobOptions options;

    FlinkWay(EngineConfig config, Duration checkpointInterval) {
        options = options(config, checkpointInterval, Map.of());
    }

    /** Returns the job's options that lead to the same engine. */
    static JobOptions options(EngineConfig config, Duration checkpointInterval, Map<String, String> further) {
        Map<String, String> values = new LinkedHashMap<>(further);
        values.put("model", config.modelFolder().toString());
        values.put("backend", config.backend());
        values.put("threads", Integer.toString(config.numThreads()));
        values.put("max-num-seqs", Integer.toString(config.maxNumSeqs()));
        values.put("max-num-batched-tokens", Integer.toString(config.maxNumBatchedTokens()));
        values.put("max-model-len", Integer.toString(config.maxModelLen()));
        values.put("kv-cache-bytes", Long.toString(config.kvCacheBytes()));
        values.put("prefix-cache", config.isPrefixCacheOn() ? "on" : "off");
        values.put("draft-tokens", Integer.toString(config.numDraftTokens()));
        Parallelism devices = config.parallelism();
        values.put("tensor-parallel-size", Integer.toString(devices.tensorParallelSize()));
        values.put("data-parallel-size", Integer.toString(devices.dataParallelSize()));
        values.put("enable-expert-parallel", Boolean.toString(devices.isExpertParallel()));
        values.put("parallelism", "1");
        values.put("control-topic", ""); // nobody cancels
        values.put("checkpoint-interval", checkpointInterval.toMillis() + " ms");
        return JobOptions.of(Map.of(), null, values);
    }

    @Override
    public void serve(RunClock clock) {
        clock.makeCurrent();
        int last = clock.workload().numPrompts() - 1;
        try (EmbeddedFlink flink =
                EmbeddedFlink.start(MillraceJob.flinkSettings(options), env -> build(env, last), null)) {
            clock.awaitVisible(() -> throwIfOver(flink, clock));
        }
    }

    /** A job that has ended will answer nothing more. */
    static void throwIfOver(EmbeddedFlink flink, RunClock clock) {
        flink.throwIfMisconfigured();
        if (flink.result().isDone() && clock.numInvisible() > 0) {
            throw new IllegalStateException("the job ended with " + clock.numInvisible() + " prompts unanswered: "
                    + flink.result()
                            .join()
                            .getSerializedThrowable()
                            .map(Throwable::getMessage)
                            .orElse("no failure"));
        }
    }

    private void build(StreamExecutionEnvironment env, int last) {
        SingleOutputStreamOperator<WireRecord> completions = ContinuousBatchOperatorFactory.attach(
                env.fromSource(new NumberSequenceSource(0, last), WatermarkStrategy.noWatermarks(), "prompts")
                        .map(new Prompts())
                        .returns(TypeInformation.of(WireRecord.class)),
                options.batchSettings(),
                new TimedEngineSource());
        completions.sinkTo(new Seen()).name("completions");
        completions.getSideOutput(DeadLetters.TAG).sinkTo(new Seen()).name("dead letters");
    }

    /** The n-th prompt of the current run. Thread: the task's. */
    private static final class Prompts implements MapFunction<Long, WireRecord> {
        private static final long serialVersionUID = 1L;

        @Override
        public WireRecord map(Long index) {
            RunClock clock = RunClock.current();
            int i = index.intValue();
            WireRecord record = new WireRecord();
            record.topic = "bench";
            record.partition = 0;
            record.offset = index;
            record.key = PromptBytes.key(clock, i);
            record.value = PromptBytes.of(clock, i);
            if (i == 0) {
                clock.start();
            }
            clock.handedOver(i);
            return record;
        }
    }

    /** Tells the current run's clock which completion came, and drops it. Thread: the task's. */
    private static final class Seen implements Sink<WireRecord> {
        private static final long serialVersionUID = 1L;

        @Override
        public SinkWriter<WireRecord> createWriter(WriterInitContext context) {
            return new SinkWriter<>() {
                @Override
                public void write(WireRecord record, Context c) {
                    see(record);
                }

                @Override
                public void flush(boolean isEnd) {}

                @Override
                public void close() {}
            };
        }

        private static void see(WireRecord record) {
            RunClock clock = RunClock.current();
            WireRecord.Header error = record.header(DeadLetters.PREFIX + "message");
            if (error != null) {
                clock.fail(new IllegalStateException(new String(Objects.requireNonNull(error.value), UTF_8)));
                return;
            }
            clock.visible(PromptBytes.index(clock, Objects.requireNonNull(record.key)));
        }
    }
}
