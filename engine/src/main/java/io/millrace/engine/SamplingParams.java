package io.millrace.engine;

import java.util.List;
import java.util.Map;

/**
 * Sampling as it is done: everything resolved and in range. Goes into a completion's provenance and into the journal.
 *
 * @param maxTokens tokens to generate at most, reasoning and end token included, ≥ 1; {@link #REST_OF_CONTEXT} = until the context is full
 * @param minTokens end and stop ids are masked before that many, ≥ 0
 * @param temperature 0 … 100; below 1e-5 greedy
 * @param topP (0, 1]
 * @param topK 0 = off
 * @param minP [0, 1]
 * @param presencePenalty [−2, 2]
 * @param frequencyPenalty [−2, 2]
 * @param repetitionPenalty &gt; 0, 1 = off
 * @param seed Philox key
 * @param n samples, 1 … {@link #MAX_N}
 * @param stop stop strings, each non-empty
 * @param stopTokenIds ids that end a sample
 * @param ignoreEos whether the end token is an ordinary token
 * @param logitBias added to logits, by token id
 * @param topLogprobs −1 = none asked for, 0 … 20 = the sampled token's and that many of the most likely
 * @param badWords ids of sequences that the output never completes, each non-empty
 */
public record SamplingParams(
        int maxTokens,
        int minTokens,
        double temperature,
        double topP,
        int topK,
        double minP,
        double presencePenalty,
        double frequencyPenalty,
        double repetitionPenalty,
        long seed,
        int n,
        List<String> stop,
        List<Integer> stopTokenIds,
        boolean ignoreEos,
        Map<Integer, Double> logitBias,
        int topLogprobs,
        List<List<Integer>> badWords) {

    /** {@link #maxTokens} of a request that doesn't say. */
    public static final int REST_OF_CONTEXT = Integer.MAX_VALUE;
    /** Samples of one request at most. */
    public static final int MAX_N = 128;
    /** Stop strings and stop ids of one request at most, each. */
    public static final int MAX_STOPS = 64;
    /** Most likely tokens to report at most. */
    public static final int MAX_TOP_LOGPROBS = 20;
    /** Below this a temperature means greedy. */
    public static final double GREEDY_BELOW = 1e-5;

    /** Copies the collections. */
    public SamplingParams {
        stop = List.copyOf(stop);
        stopTokenIds = List.copyOf(stopTokenIds);
        logitBias = Map.copyOf(logitBias);
        badWords = badWords.stream().map(List::copyOf).toList();
    }

    /** Without bad words. */
    public SamplingParams(
            int maxTokens,
            int minTokens,
            double temperature,
            double topP,
            int topK,
            double minP,
            double presencePenalty,
            double frequencyPenalty,
            double repetitionPenalty,
            long seed,
            int n,
            List<String> stop,
            List<Integer> stopTokenIds,
            boolean ignoreEos,
            Map<Integer, Double> logitBias,
            int topLogprobs) {
        this(
                maxTokens,
                minTokens,
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                seed,
                n,
                stop,
                stopTokenIds,
                ignoreEos,
                logitBias,
                topLogprobs,
                List.of());
    }

    /** Returns the same parameters with other bad words. */
    public SamplingParams withBadWords(List<List<Integer>> words) {
        return new SamplingParams(
                maxTokens,
                minTokens,
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                seed,
                n,
                stop,
                stopTokenIds,
                ignoreEos,
                logitBias,
                topLogprobs,
                words);
    }

    /** Returns the same parameters with another seed. */
    public SamplingParams withSeed(long other) {
        return new SamplingParams(
                maxTokens,
                minTokens,
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                other,
                n,
                stop,
                stopTokenIds,
                ignoreEos,
                logitBias,
                topLogprobs,
                badWords);
    }

    /** Returns the same as options that say everything; bad words have no option. */
    public SamplingOptions toOptions() {
        return new SamplingOptions(
                maxTokens,
                minTokens,
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                seed,
                n,
                stop,
                stopTokenIds,
                ignoreEos,
                logitBias,
                topLogprobs);
    }

    /**
     * Fills what nobody said (engine-facts table: temperature 1, top_p 1, n 1 …) and checks the ranges.
     *
     * @param options all layers merged, see {@link SamplingOptions#orElse}
     * @param seedIfUnsaid the seed when none was given
     * @throws RejectedException naming the field, its value and its range; never clamps
     */
    public static SamplingParams resolve(SamplingOptions options, long seedIfUnsaid) {
        return new SamplingParams(
                inRange("max_tokens", or(options.maxTokens(), REST_OF_CONTEXT), 1, REST_OF_CONTEXT),
                inRange("min_tokens", or(options.minTokens(), 0), 0, Integer.MAX_VALUE),
                inRange("temperature", or(options.temperature(), 1.0), 0, 100),
                positive("top_p", or(options.topP(), 1.0), 1),
                Math.max(0, inRange("top_k", or(options.topK(), 0), -1, Integer.MAX_VALUE)),
                inRange("min_p", or(options.minP(), 0.0), 0, 1),
                inRange("presence_penalty", or(options.presencePenalty(), 0.0), -2, 2),
                inRange("frequency_penalty", or(options.frequencyPenalty(), 0.0), -2, 2),
                positive("repetition_penalty", or(options.repetitionPenalty(), 1.0), 100),
                options.seed() != null ? options.seed() : seedIfUnsaid,
                inRange("n", or(options.n(), 1), 1, MAX_N),
                checkedStops(options.stop() != null ? options.stop() : List.of()),
                checkedCount("stop_token_ids", options.stopTokenIds() != null ? options.stopTokenIds() : List.of()),
                options.ignoreEos() != null && options.ignoreEos(),
                options.logitBias() != null ? options.logitBias() : Map.of(),
                inRange("top_logprobs", or(options.topLogprobs(), -1), -1, MAX_TOP_LOGPROBS));
    }

    /** Returns whether tokens are drawn without noise. */
    public boolean isGreedy() {
        return temperature < GREEDY_BELOW;
    }

    private static int or(@org.jspecify.annotations.Nullable Integer v, int otherwise) {
        return v != null ? v : otherwise;
    }

    private static double or(@org.jspecify.annotations.Nullable Double v, double otherwise) {
        return v != null ? v : otherwise;
    }

    private static int inRange(String name, int v, int low, int high) {
        if (v < low || v > high) {
            throw outOfRange(name, v, high == Integer.MAX_VALUE ? "at least " + low : "from " + low + " to " + high);
        }
        return v;
    }

    private static double inRange(String name, double v, double low, double high) {
        if (!(v >= low && v <= high)) {
            throw outOfRange(name, v, "from " + low + " to " + high);
        }
        return v;
    }

    private static double positive(String name, double v, double high) {
        if (!(v > 0 && v <= high)) {
            throw outOfRange(name, v, "above 0 and at most " + high);
        }
        return v;
    }

    private static List<String> checkedStops(List<String> stops) {
        for (String s : checkedCount("stop", stops)) {
            if (s.isEmpty()) {
                throw outOfRange("stop", "\"\"", "non-empty");
            }
        }
        return stops;
    }

    private static <T> List<T> checkedCount(String name, List<T> list) {
        if (list.size() > MAX_STOPS) {
            throw outOfRange(name, list.size() + " entries", "at most " + MAX_STOPS + " entries");
        }
        return list;
    }

    private static RejectedException outOfRange(String name, Object value, String range) {
        return new RejectedException(
                RejectedException.Stage.VALIDATE, false, name + " is " + value + " but must be " + range);
    }
}
