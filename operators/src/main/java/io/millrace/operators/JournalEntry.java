package io.millrace.operators;

import io.millrace.engine.SamplingParams;
import java.util.ArrayList;
import java.util.List;

/**
 * What of a request in flight must survive a failure, so that its completion is the same as without one.
 *
 * @param record the prompt as it came
 * @param elementTimestamp Flink's timestamp of the prompt, {@link #NO_TIMESTAMP} if it had none
 * @param modelHash the model that made the tokens
 * @param params sampling as resolved when the request came: defaults may have changed since
 * @param samples progress by sample index; of a program, by part
 */
record JournalEntry(
        WireRecord record,
        long elementTimestamp,
        String modelHash,
        SamplingParams params,
        List<SampleProgress> samples) {

    /** {@link #elementTimestamp} of a prompt without one. */
    static final long NO_TIMESTAMP = Long.MIN_VALUE;

    /** A request that has just come. */
    static JournalEntry start(WireRecord record, long elementTimestamp, String modelHash, SamplingParams params) {
        return start(record, elementTimestamp, modelHash, params, params.n());
    }

    /** A request of {@code numSamples} samples or parts that has just come. */
    static JournalEntry start(
            WireRecord record, long elementTimestamp, String modelHash, SamplingParams params, int numSamples) {
        List<SampleProgress> samples = new ArrayList<>(numSamples);
        for (int i = 0; i < numSamples; i++) {
            samples.add(new SampleProgress());
        }
        return new JournalEntry(record, elementTimestamp, modelHash, params, samples);
    }

    /** Returns the tokens so far, [n][·]. */
    int[][] keptTokens() {
        return samples.stream().map(SampleProgress::tokenIds).toArray(int[][]::new);
    }

    int numTokens() {
        return samples.stream().mapToInt(SampleProgress::numTokens).sum();
    }
}
