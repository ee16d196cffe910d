package io.millrace.job.dataset;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Counts over rows and samples; a shard's are in its manifest entry, and their sum is in the card. Thread: one. */
final class Tally {
    /** Input rows, bad ones included. */
    public long rows;
    /** Rows that couldn't be asked. */
    public long badRows;
    /** Rows that the token budget ended early. */
    public long cutRows;
    /** Samples drawn. */
    public long samples;
    /** Samples that the verifier called correct. */
    public long correct;
    /** Samples in the data. */
    public long accepted;
    /** Tokens of all prompts, once per sample. */
    public long promptTokens;
    /** Tokens generated. */
    public long completionTokens;
    /** Tokens generated for accepted samples. */
    public long acceptedTokens;
    /** Samples that would be accepted if they weren't nearly like an earlier one of their shard. */
    public long duplicates;
    /** Rows with accepted samples, by how many. */
    public Map<Integer, Long> rowsByAccepted = new TreeMap<>();
    /** Rows with a correct sample, by the attempt that was the first correct one, from 1. */
    public Map<Integer, Long> rowsByFirstCorrect = new TreeMap<>();
    /** Rows without a correct sample, by attempts. */
    public Map<Integer, Long> rowsNeverCorrect = new TreeMap<>();
    /** Rows with an accepted sample that the verifier called correct; after a vote, those whose majority is right. */
    public long rowsRight;
    /** Samples by finish reason. */
    public Map<String, Long> finishReasons = new TreeMap<>();
    /** Accepted samples by generated tokens: key k counts 2^(k/4) up to 2^((k+1)/4), exclusive. */
    public Map<Integer, Long> acceptedByTokens = new TreeMap<>();

    /**
     * Counts a row.
     *
     * @param before the same row before near-duplicates were left out
     */
    void add(RowResult row, RowResult before) {
        duplicates += before.numAccepted() - row.numAccepted();
        add(row);
    }

    /** Counts a row. */
    void add(RowResult row) {
        rows++;
        if (row.error() != null) {
            badRows++;
            return;
        }
        cutRows += row.isCut() ? 1 : 0;
        int firstCorrect = 0;
        boolean isRight = false;
        for (JudgedSample s : row.samples()) {
            samples++;
            promptTokens += s.sample().promptTokens();
            completionTokens += s.sample().completionTokens();
            finishReasons.merge(s.sample().finishReason(), 1L, Long::sum);
            if (s.isCorrect()) {
                correct++;
                firstCorrect = firstCorrect == 0 ? s.sample().attempt() + 1 : firstCorrect;
            }
            if (s.isAccepted()) {
                isRight |= s.isCorrect();
                accepted++;
                acceptedTokens += s.sample().completionTokens();
                acceptedByTokens.merge(lengthBucket(s.sample().completionTokens()), 1L, Long::sum);
            }
        }
        rowsRight += isRight ? 1 : 0;
        rowsByAccepted.merge(row.numAccepted(), 1L, Long::sum);
        if (firstCorrect > 0) {
            rowsByFirstCorrect.merge(firstCorrect, 1L, Long::sum);
        } else {
            rowsNeverCorrect.merge(row.samples().size(), 1L, Long::sum);
        }
    }

    /** Returns the bucket of a number of tokens ≥ 1 in {@link #acceptedByTokens}. */
    static int lengthBucket(int tokens) {
        return (int) Math.floor(4 * Math.log(Math.max(1, tokens)) / Math.log(2) + 1e-9);
    }

    /** Adds another one's counts. */
    void add(Tally other) {
        rows += other.rows;
        badRows += other.badRows;
        cutRows += other.cutRows;
        samples += other.samples;
        correct += other.correct;
        accepted += other.accepted;
        promptTokens += other.promptTokens;
        completionTokens += other.completionTokens;
        acceptedTokens += other.acceptedTokens;
        rowsRight += other.rowsRight;
        duplicates += other.duplicates;
        other.rowsByAccepted.forEach((k, v) -> rowsByAccepted.merge(k, v, Long::sum));
        other.rowsByFirstCorrect.forEach((k, v) -> rowsByFirstCorrect.merge(k, v, Long::sum));
        other.rowsNeverCorrect.forEach((k, v) -> rowsNeverCorrect.merge(k, v, Long::sum));
        other.finishReasons.forEach((k, v) -> finishReasons.merge(k, v, Long::sum));
        other.acceptedByTokens.forEach((k, v) -> acceptedByTokens.merge(k, v, Long::sum));
    }

    /**
     * Returns the share of rows with a correct sample among their first {@code k}; NaN if no row has had that many chances. A row
     * that was solved earlier counts whatever it stopped at, so that stopping at enough correct ones doesn't bias it.
     */
    double passAt(int k) {
        long solved = sum(rowsByFirstCorrect, 1, k);
        long later = sum(rowsByFirstCorrect, k + 1, Integer.MAX_VALUE);
        long never = sum(rowsNeverCorrect, k, Integer.MAX_VALUE);
        long known = solved + later + never;
        return known == 0 ? Double.NaN : (double) solved / known;
    }

    /** Returns the share of rows with samples that have an accepted one that is correct. */
    double majorityRight() {
        return (double) rowsRight / Math.max(1, rows - badRows);
    }

    /** Returns {@link #passAt} of 1, 2, 4, … attempts, as far as any row has had so many. */
    Map<Integer, Double> passTable() {
        Map<Integer, Double> table = new TreeMap<>();
        int most = Stream.concat(rowsByFirstCorrect.keySet().stream(), rowsNeverCorrect.keySet().stream())
                .mapToInt(Integer::intValue)
                .max()
                .orElse(0);
        for (int k = 1; k <= most; k *= 2) {
            table.put(k, passAt(k));
        }
        return table;
    }

    private static long sum(Map<Integer, Long> counts, int from, int to) {
        return counts.entrySet().stream()
                .filter(e -> e.getKey() >= from && e.getKey() <= to)
                .mapToLong(Map.Entry::getValue)
                .sum();
    }
}
