package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import io.millrace.job.dataset.DatasetPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code generate} that make a dataset: with any of them, {@code --output} is a folder of shards. */
final class DatasetArgs {
    private static final int DEFAULT_SHARD_ROWS = 10_000;
    private static final int MAX_SHARD_ROWS = 1_000_000;

    @Option(
            names = "--prompt-template",
            paramLabel = "TEXT|@FILE",
            description =
                    "Makes a dataset (--output is a folder of shards). The user's message, with {column} for a row's value.")
    private @Nullable String promptTemplate;

    @Option(
            names = "--prompt-column",
            paramLabel = "COLUMN",
            description =
                    "Makes a dataset. Column with the user's message. Without it and a template: column messages.")
    private @Nullable String promptColumn;

    @Option(
            names = "--answer-column",
            paramLabel = "COLUMN",
            description = "Makes a dataset. Column with the right answer.")
    private @Nullable String answerColumn;

    @Option(
            names = "--id-column",
            paramLabel = "COLUMN",
            description = "Makes a dataset. Column with the row's id. Default: file:line.")
    private @Nullable String idColumn;

    @Option(
            names = "--shard-rows",
            paramLabel = "ROWS",
            description = "Makes a dataset. Input rows per shard of the output. Default: 10000.")
    private @Nullable Integer shardRows;

    /** Returns whether any of them is given. */
    boolean isAsked() {
        return Stream.of(promptTemplate, promptColumn, answerColumn, idColumn, shardRows)
                .anyMatch(Objects::nonNull);
    }

    /**
     * Returns the plan.
     *
     * @throws ConfigException at a value out of range, or an option of the job that a dataset can't follow
     */
    DatasetPlan plan(JobOptions options) {
        for (var option : List.of(JobOptions.CHECKPOINT_INTERVAL, JobOptions.PARALLELISM, JobOptions.METRICS_PORT)) {
            String origin =
                    Objects.requireNonNull(options.values().get(option.name())).origin();
            if (origin.equals("command line")) {
                throw new ConfigException("--" + option.name()
                        + " has no effect on a dataset, which is made without Flink: leave it out");
            }
        }
        Integer samples = options.find(JobOptions.N);
        Long seed = options.find(JobOptions.SEED);
        return new DatasetPlan(
                template(),
                promptColumn,
                answerColumn,
                idColumn,
                samples == null ? 1 : samples,
                0,
                0,
                false,
                0,
                seed == null ? 0 : seed,
                inRange("--shard-rows", shardRows == null ? DEFAULT_SHARD_ROWS : shardRows, 1, MAX_SHARD_ROWS),
                false);
    }

    private @Nullable String template() {
        if (promptTemplate == null || !promptTemplate.startsWith("@")) {
            return promptTemplate;
        }
        Path file = Path.of(promptTemplate.substring(1));
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new ConfigException("can't read --prompt-template " + promptTemplate + ": " + e, e);
        }
    }

    private static int inRange(String name, int value, int low, int high) {
        if (value < low || value > high) {
            throw new ConfigException(name + " is " + value + " but must be from " + low + " to " + high);
        }
        return value;
    }
}
