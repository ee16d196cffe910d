package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import io.millrace.job.JobOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a dataset, in picocli's words. With any of them, {@code generate} makes one. */
public final class DatasetArgs {
    private static final int DEFAULT_SHARD_ROWS = 10_000;
    private static final int ATTEMPTS_PER_ACCEPT = 8;
    private static final int MAX_ATTEMPTS = 10_000;
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

    @Option(
            names = "--output-format",
            paramLabel = "jsonl|parquet",
            description = "Makes a dataset. Default: as the input. A Parquet file as input always makes one.")
    private @Nullable String outputFormat;

    @Option(
            names = "--verify",
            paramLabel = "boxed|regex:…|json-schema:FILE|exec:COMMAND",
            description = {
                "Makes a dataset. Which samples are accepted: whose last \\boxed{…}, or last match (its first group), is the answer;"
                        + " which is JSON that fits a schema; for which a command ends with 0.",
                "The command gets {id, prompt, reasoning, completion, answer, row} on stdin."
            })
    private @Nullable String verify;

    @Option(
            names = "--verify-timeout",
            paramLabel = "SECONDS",
            description = "A command that takes longer says no. Default: 10.")
    private int verifyTimeoutSeconds = 10;

    @Option(
            names = "--accept",
            paramLabel = "K",
            description = "Draw samples of a row until K are correct (rejection sampling). Needs --verify.")
    private @Nullable Integer accept;

    @Option(
            names = "--max-attempts",
            paramLabel = "SAMPLES",
            description = "With --accept: samples per row at most. Default: 8 x K.")
    private @Nullable Integer maxAttempts;

    @Option(
            names = "--vote",
            description =
                    "Accept the samples of a row whose answer most of its --n samples have. Needs --verify boxed or regex.")
    private boolean isVote;

    @Option(
            names = "--max-total-tokens",
            paramLabel = "TOKENS",
            description = "Makes a dataset. Generated tokens after which no sample is begun.")
    private @Nullable Long maxTotalTokens;

    @Option(
            names = "--dedup",
            paramLabel = "SIMILARITY",
            arity = "0..1",
            fallbackValue = "0.8",
            description =
                    "Leave out samples that are nearly like an earlier one of their shard (MinHash). Default: 0.8.")
    private @Nullable Double dedup;

    @Option(
            names = "--keep-rejected",
            description = "Write samples that aren't accepted too, to rejected-*, with the reason.")
    private boolean isKeepRejected;

    /** Returns whether any of them is given. */
    public boolean isAsked() {
        return Stream.of(
                                promptTemplate,
                                promptColumn,
                                answerColumn,
                                idColumn,
                                shardRows,
                                outputFormat,
                                dedup,
                                verify,
                                accept,
                                maxAttempts,
                                maxTotalTokens)
                        .anyMatch(Objects::nonNull)
                || isVote
                || isKeepRejected;
    }

    /**
     * Returns the plan of a run in one process.
     *
     * @throws ConfigException at a value out of range, or an option of Flink, which isn't there
     */
    public DatasetPlan plan(JobOptions options) {
        for (var option : List.of(JobOptions.CHECKPOINT_INTERVAL, JobOptions.PARALLELISM, JobOptions.METRICS_PORT)) {
            String origin =
                    Objects.requireNonNull(options.values().get(option.name())).origin();
            if (origin.equals("command line")) {
                throw new ConfigException("--" + option.name()
                        + " has no effect on a dataset, which is made without Flink: leave it out");
            }
        }
        return planOf(options);
    }

    /**
     * Returns the plan of a job on a cluster.
     *
     * @throws ConfigException at a value out of range, or an option that needs one process
     */
    DatasetPlan clusterPlan(JobOptions options) {
        refuseOnCluster("--max-total-tokens", maxTotalTokens != null);
        refuseOnCluster("--dedup", dedup != null);
        refuseOnCluster("--shard-rows", shardRows != null);
        refuseOnCluster("--output-format", outputFormat != null);
        return planOf(options);
    }

    private static void refuseOnCluster(String option, boolean isGiven) {
        if (isGiven) {
            throw new ConfigException(
                    option + " isn't there on a cluster: leave it out, or use ./millrace generate, in one process");
        }
    }

    private DatasetPlan planOf(JobOptions options) {
        Long seed = options.find(JobOptions.SEED);
        return new DatasetPlan(
                new Columns(template(), promptColumn, answerColumn, idColumn),
                policy(options.find(JobOptions.N)),
                verify,
                Duration.ofSeconds(inRange("--verify-timeout", verifyTimeoutSeconds, 1, 3600)),
                maxTotalTokens == null ? 0 : inRange("--max-total-tokens", maxTotalTokens, 1, Long.MAX_VALUE),
                seed == null ? 0 : seed,
                (int) inRange("--shard-rows", shardRows == null ? DEFAULT_SHARD_ROWS : shardRows, 1, MAX_SHARD_ROWS),
                isParquet(),
                dedup(),
                isKeepRejected);
    }

    private double dedup() {
        if (dedup != null && !(dedup > 0 && dedup <= 1)) {
            throw new ConfigException("--dedup is " + dedup + " but must be above 0 and at most 1");
        }
        return dedup == null ? 0 : dedup;
    }

    private @Nullable Boolean isParquet() {
        if (outputFormat != null && !outputFormat.equals("jsonl") && !outputFormat.equals("parquet")) {
            throw new ConfigException("--output-format is \"" + outputFormat + "\" but must be jsonl or parquet");
        }
        return outputFormat == null ? null : outputFormat.equals("parquet");
    }

    private RowPolicy policy(@Nullable Integer samples) {
        if (accept == null) {
            if (maxAttempts != null) {
                throw new ConfigException("--max-attempts " + maxAttempts
                        + " has no effect without --accept: give --n for a fixed number of samples");
            }
            return new RowPolicy(samples == null ? 1 : samples, 0, 0, isVote);
        }
        if (samples != null) {
            throw new ConfigException("--n " + samples + " and --accept " + accept
                    + " are both given: give --max-attempts with --accept");
        }
        int enough = (int) inRange("--accept", accept, 1, MAX_ATTEMPTS);
        int most = maxAttempts == null ? Math.min(MAX_ATTEMPTS, ATTEMPTS_PER_ACCEPT * enough) : maxAttempts;
        return new RowPolicy(1, enough, (int) inRange("--max-attempts", most, 1, MAX_ATTEMPTS), isVote);
    }

    private @Nullable PromptTemplate template() {
        if (promptTemplate == null || !promptTemplate.startsWith("@")) {
            return promptTemplate == null ? null : new PromptTemplate(promptTemplate);
        }
        try {
            return new PromptTemplate(Files.readString(Path.of(promptTemplate.substring(1))));
        } catch (IOException e) {
            throw new ConfigException("can't read --prompt-template " + promptTemplate + ": " + e, e);
        }
    }

    private static long inRange(String name, long value, long low, long high) {
        if (value < low || value > high) {
            throw new ConfigException(name + " is " + value + " but must be from " + low + " to " + high);
        }
        return value;
    }
}
