package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row that is done. Journaled as JSON.
 *
 * @param row index
 * @param file name of its file
 * @param line line in it
 * @param id the row's own, else {@code file:line}
 * @param prompt text of the question; empty for a bad row
 * @param answer what is right, null = unsaid
 * @param columns the row's values, null if it can't be read
 * @param samples all that were drawn, by attempt; empty for a bad row
 * @param error null if the row could be asked
 * @param isCut whether the run's token budget ended it early
 */
record RowResult(
        long row,
        String file,
        long line,
        String id,
        String prompt,
        @Nullable String answer,
        @Nullable ObjectNode columns,
        List<JudgedSample> samples,
        @Nullable RowError error,
        boolean isCut) {
    RowResult {
        samples = List.copyOf(samples);
    }

    /** A row that can't be asked. */
    static RowResult bad(Row row, RowError error) {
        return new RowResult(
                row.index(), row.file(), row.line(), row.place(), "", null, row.columns(), List.of(), error, false);
    }

    /** Returns the tokens that were generated for it. */
    long completionTokens() {
        return samples.stream().mapToLong(s -> s.sample().completionTokens()).sum();
    }

    /** Returns how many samples go into the data. */
    int numAccepted() {
        return (int) samples.stream().filter(JudgedSample::isAccepted).count();
    }

    /** Returns the row with those samples no longer accepted that are nearly like an earlier one. */
    RowResult without(NearDuplicates duplicates) {
        List<JudgedSample> rest = new ArrayList<>(samples.size());
        for (JudgedSample s : samples) {
            String like = s.isAccepted()
                    ? duplicates.findOrKeep(id + ", attempt " + s.sample().attempt(), s.text(prompt))
                    : null;
            rest.add(like == null ? s : s.rejected("nearly like " + like));
        }
        return new RowResult(row, file, line, id, prompt, answer, columns, rest, error, isCut);
    }
}
