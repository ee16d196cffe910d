package io.millrace.job;

import io.millrace.operators.ContinuousBatchOperatorFactory;
import io.millrace.operators.DeadLetters;
import io.millrace.operators.WireRecord;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.Encoder;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/**
 * The pipeline between files: lines in, one row per line out, exactly once. Same operator as {@link MillraceJob}.
 *
 * <p>Rows come in the order in which they are done, in part files that a checkpoint makes final; {@link DatasetRows} puts them into
 * the order of the input afterwards.
 */
public final class DatasetJob {
    private DatasetJob() {}

    /**
     * Wires source, operator and sinks.
     *
     * @param inputs files, all below {@code root}
     * @param completions folder for part files of completions
     * @param errors folder for part files of bad rows
     */
    public static void build(
            StreamExecutionEnvironment env,
            JobOptions options,
            Path root,
            List<Path> inputs,
            Path completions,
            Path errors) {
        LineFormat format = new LineFormat(
                root + java.io.File.separator,
                options.get(JobOptions.MAX_REQUEST_BYTES).intValue());
        FileSource<WireRecord> source = FileSource.forBulkFileFormat(
                        format,
                        inputs.stream().map(DatasetJob::flinkPath).toArray(org.apache.flink.core.fs.Path[]::new))
                .build();

        DataStream<WireRecord> prompts = env.fromSource(source, WatermarkStrategy.noWatermarks(), "prompts")
                .uid("prompts");

        SingleOutputStreamOperator<WireRecord> answers =
                ContinuousBatchOperatorFactory.attach(prompts, options.batchSettings());

        answers.sinkTo(sink(completions, DatasetRows::writeCompletion))
                .name("completions")
                .uid("completions");

        answers.getSideOutput(DeadLetters.TAG)
                .sinkTo(sink(errors, DatasetRows::writeError))
                .name("errors")
                .uid("errors");
    }

    private static FileSink<WireRecord> sink(Path folder, Encoder<WireRecord> encoder) {
        return FileSink.forRowFormat(flinkPath(folder), encoder)
                .withBucketAssigner(new BasePathBucketAssigner<>())
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .build();
    }

    private static org.apache.flink.core.fs.Path flinkPath(Path path) {
        return new org.apache.flink.core.fs.Path(path.toUri());
    }
}
