package io.millrace.operators;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.TokenLogprobs;
import io.millrace.schemas.Prompt;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * {@code best_of}: more samples are made than returned; those with the highest mean log-probability per token are, best first.
 * The engine and the journal only know the samples that are made. Any thread.
 */
final class BestOf {
    private BestOf() {}

    /**
     * Returns what a prompt's {@code best_of} asks of the engine: that many samples, with the log-probabilities of their tokens.
     *
     * @throws RejectedException if it is below {@code n}
     */
    static SamplingOptions samples(Prompt prompt) {
        Integer bestOf = prompt.bestOf();
        if (bestOf == null) {
            return SamplingOptions.NONE;
        }
        int n = numReturned(prompt, bestOf);
        if (bestOf < n || bestOf > SamplingParams.MAX_N) {
            throw new RejectedException(
                    Stage.VALIDATE,
                    false,
                    "best_of is " + bestOf + " but must be from n, which is " + n + ", to " + SamplingParams.MAX_N);
        }
        Integer topLogprobs = isLogprobsAsked(prompt) ? null : Integer.valueOf(0);
        return new SamplingOptions(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                bestOf,
                null,
                null,
                null,
                null,
                topLogprobs);
    }

    /** Returns how many of the {@code numSamples} that were made are returned: {@code n} of the request, 1 if it doesn't say. */
    static int numReturned(Prompt prompt, int numSamples) {
        if (prompt.bestOf() == null) {
            return numSamples;
        }
        Integer n = prompt.sampling().n();
        return n == null ? 1 : n;
    }

    /** Returns whether the request itself wants log-probabilities. */
    static boolean isLogprobsAsked(Prompt prompt) {
        return Boolean.TRUE.equals(prompt.sampling().logprobs());
    }

    /** Returns the indices of the samples to return, in the order of choices. */
    static List<Integer> chosen(InFlightRequest request) {
        List<SampleProgress> samples = request.entry.samples();
        int numReturned = numReturned(request.prompt, samples.size());
        IntStream indices = IntStream.range(0, samples.size());
        if (request.prompt.bestOf() == null) {
            return indices.boxed().toList();
        }
        return indices.boxed()
                .sorted(Comparator.comparingDouble(
                        i -> -meanLogprob(samples.get(i).logprobs())))
                .limit(numReturned)
                .toList();
    }

    /** Returns the mean over a sample's own tokens; −∞ if it has none. */
    private static double meanLogprob(List<TokenLogprobs> tokens) {
        return tokens.stream().mapToDouble(t -> t.logprobs()[0]).average().orElse(Double.NEGATIVE_INFINITY);
    }
}
