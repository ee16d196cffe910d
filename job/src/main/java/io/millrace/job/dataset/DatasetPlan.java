package io.millrace.job.dataset;

import org.jspecify.annotations.Nullable;

/**
 * What a run makes of its rows, as the command line says it.
 *
 * @param promptTemplate text with {@code {column}}, null = none
 * @param promptColumn column with the question, null = none
 * @param answerColumn column with the right answer, null = none
 * @param idColumn column with the row's id, null = none
 * @param samples samples per row where {@code accept} is 0
 * @param accept correct samples per row to draw until, 0 = off
 * @param maxAttempts samples per row at most where {@code accept} isn't 0
 * @param isVote whether a row's majority decides
 * @param maxTotalTokens generated tokens after which no attempt starts, 0 = no bound
 * @param seed the run's; every attempt's comes from it
 * @param shardRows input rows per shard
 * @param isKeepRejected whether samples that aren't accepted are written too
 */
public record DatasetPlan(
        @Nullable String promptTemplate,
        @Nullable String promptColumn,
        @Nullable String answerColumn,
        @Nullable String idColumn,
        int samples,
        int accept,
        int maxAttempts,
        boolean isVote,
        long maxTotalTokens,
        long seed,
        int shardRows,
        boolean isKeepRejected) {

    /** Returns the columns' part. */
    Columns columns() {
        return new Columns(
                promptTemplate == null ? null : new PromptTemplate(promptTemplate),
                promptColumn,
                answerColumn,
                idColumn);
    }

    /** Returns the row's part. */
    RowPolicy policy() {
        return new RowPolicy(samples, accept, maxAttempts, isVote);
    }

    /** Returns everything that the rows of the output depend on, a line {@code name: value} each. */
    String settings() {
        return line("prompt template", promptTemplate)
                + line("prompt column", promptColumn)
                + line("answer column", answerColumn)
                + line("id column", idColumn)
                + line("samples", samples)
                + line("accept", accept)
                + line("max attempts", maxAttempts)
                + line("vote", isVote)
                + line("max total tokens", maxTotalTokens)
                + line("seed", seed)
                + line("shard rows", shardRows)
                + line("keep rejected", isKeepRejected);
    }

    /** Returns a line; a value's line feeds become {@code \n}. */
    static String line(String name, @Nullable Object value) {
        return name + ": " + (value == null ? "none" : value.toString().replace("\n", "\\n")) + "\n";
    }
}
