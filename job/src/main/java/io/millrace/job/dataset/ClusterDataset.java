package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import io.millrace.job.LineFormat;
import io.millrace.job.MillraceJob;
import io.millrace.operators.BatchSettings;
import io.millrace.operators.WireRecord;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * A dataset on a cluster, for {@code flink run -c io.millrace.job.dataset.ClusterDataset}: JSONL files in, part files of the same rows as
 * in one process out, in any order, exactly once.
 */
public final class ClusterDataset {
    private ClusterDataset() {}

    /** The command line; what isn't here is the job's. */
    @Command(name = "ClusterDataset")
    static final class Args {
        @Option(names = "--input", required = true)
        @Nullable
        String input;

        @Option(names = "--output", required = true)
        @Nullable
        String output;

        @Mixin
        DatasetArgs dataset = new DatasetArgs();
    }

    /** Runs the job. */
    public static void main(String[] args) throws Exception {
        Args given = new Args();
        List<String> rest;
        try {
            rest = new CommandLine(given)
                    .setUnmatchedArgumentsAllowed(true)
                    .parseArgs(args)
                    .unmatched();
        } catch (CommandLine.ParameterException e) {
            throw new ConfigException(String.valueOf(e.getMessage()), e);
        }
        JobOptions options = JobOptions.parse(rest.toArray(String[]::new));
        DatasetPlan plan = given.dataset.clusterPlan(options);
        Verifiers.checkForm(plan.verify());
        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.getExecutionEnvironment(MillraceJob.flinkSettings(options));
        build(env, plan, options.batchSettings(), String.valueOf(given.input), String.valueOf(given.output));
        env.execute("millrace dataset");
    }

    /**
     * Wires source, rows and sinks.
     *
     * @param input folder of JSONL files, or a file, on a file system that all task managers have
     * @param output folder that gets {@code data}, {@code errors} and {@code rejected}
     */
    public static void build(
            StreamExecutionEnvironment env, DatasetPlan plan, BatchSettings settings, String input, String output) {
        env.setRuntimeMode(RuntimeExecutionMode.STREAMING); // part files become final at checkpoints, not at the end
        String folder = new Path(input).getPath();
        String root = folder.endsWith(".jsonl") ? folder.substring(0, folder.lastIndexOf('/') + 1) : folder + "/";
        FileSource<WireRecord> source = FileSource.forBulkFileFormat(
                        new LineFormat(root, settings.maxRequestBytes()), new Path(input))
                .build();
        DataStream<WireRecord> rows =
                env.fromSource(source, WatermarkStrategy.noWatermarks(), "rows").uid("rows");
        SingleOutputStreamOperator<Tuple2<String, String>> samples = AsyncDataStream.unorderedWait(
                        rows, new RowFunction(plan, settings), 0, TimeUnit.MILLISECONDS, settings.maxInFlightRequests())
                .returns(Types.TUPLE(Types.STRING, Types.STRING))
                .name("samples")
                .uid("samples");
        write(samples, RowFunction.DATA, output);
        write(samples, RowFunction.ERRORS, output);
        if (plan.isKeepRejected()) {
            write(samples, RowFunction.REJECTED, output);
        }
    }

    private static void write(DataStream<Tuple2<String, String>> samples, String kind, String output) {
        FileSink<String> sink = FileSink.forRowFormat(new Path(output, kind), new SimpleStringEncoder<String>())
                .withBucketAssigner(new BasePathBucketAssigner<>())
                .withRollingPolicy(OnCheckpointRollingPolicy.build())
                .build();
        samples.filter(line -> line.f0.equals(kind))
                .map(line -> line.f1)
                .returns(Types.STRING)
                .sinkTo(sink)
                .name(kind)
                .uid(kind);
    }
}
