package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import io.millrace.engine.ConfigException;
import java.io.Serializable;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a run makes of its rows, as the command line says it.
 *
 * @param columns which column is what
 * @param policy samples per row
 * @param verify what decides whether a sample is correct: {@code boxed}, {@code regex:…}, {@code json-schema:…}, {@code exec:…}; null =
 *     all are
 * @param verifyTimeout of a command that decides
 * @param maxTotalTokens generated tokens after which no attempt starts, 0 = no bound
 * @param seed the run's; every attempt's comes from it
 * @param shardRows input rows per shard
 * @param isParquet whether data is written as Parquet, null = as the input is
 * @param dedup similarity from which a sample is left out as a near-duplicate of an earlier one of its shard, 0 = none is
 * @param isKeepRejected whether samples that aren't accepted are written too
 */
public record DatasetPlan(
        Columns columns,
        RowPolicy policy,
        @Nullable String verify,
        @JsonSerialize(using = ToStringSerializer.class) Duration verifyTimeout,
        long maxTotalTokens,
        long seed,
        int shardRows,
        @Nullable Boolean isParquet,
        double dedup,
        boolean isKeepRejected)
        implements Serializable {

    /** Checks what excludes each other. */
    public DatasetPlan {
        if (verify == null && (policy.accept() > 0 || policy.isVote())) {
            throw new ConfigException(
                    "--accept and --vote need --verify: it says which samples are correct, or their answers");
        }
        if (policy.isVote() && (verify == null || !(verify.equals("boxed") || verify.startsWith("regex:")))) {
            throw new ConfigException(
                    "--vote needs --verify boxed or regex:PATTERN, which find an answer, but it is " + verify);
        }
    }

    /** Returns whether the rows' majorities can be called right or wrong. */
    public boolean isMajorityJudged() {
        return policy.isVote() && columns.answerColumn() != null;
    }

    /** Returns everything that the rows of the output depend on, a line {@code name: value} each. */
    String settings() {
        return line("prompt template", columns.template())
                + line("prompt column", columns.promptColumn())
                + line("answer column", columns.answerColumn())
                + line("id column", columns.idColumn())
                + line("samples", policy.samples())
                + line("accept", policy.accept())
                + line("max attempts", policy.maxAttempts())
                + line("vote", policy.isVote())
                + line("verify", verify)
                + line("verify timeout", verifyTimeout)
                + line("max total tokens", maxTotalTokens)
                + line("seed", seed)
                + line("shard rows", shardRows)
                + line("parquet", isParquet)
                + line("dedup", dedup == 0 ? null : dedup)
                + line("keep rejected", isKeepRejected);
    }

    /** Returns a line; a value's line feeds become {@code \n}. */
    static String line(String name, @Nullable Object value) {
        return name + ": " + (value == null ? "none" : value.toString().replace("\n", "\\n")) + "\n";
    }
}
