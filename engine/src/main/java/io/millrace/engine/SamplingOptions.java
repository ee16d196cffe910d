package io.millrace.engine;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sampling as somebody asked for it: null means "not said". Layers of these (request, command line, generation_config.json)
 * resolve to {@link SamplingParams}. Names and ranges as in vLLM and the OpenAI API.
 */
public record SamplingOptions(
        @Nullable Integer maxTokens,
        @Nullable Integer minTokens,
        @Nullable Double temperature,
        @Nullable Double topP,
        @Nullable Integer topK,
        @Nullable Double minP,
        @Nullable Double presencePenalty,
        @Nullable Double frequencyPenalty,
        @Nullable Double repetitionPenalty,
        @Nullable Long seed,
        @Nullable Integer n,
        @Nullable List<String> stop,
        @Nullable List<Integer> stopTokenIds,
        @Nullable Boolean ignoreEos,
        @Nullable Map<Integer, Double> logitBias,
        @Nullable Integer topLogprobs) {

    /** Nothing said. */
    public static final SamplingOptions NONE = new SamplingOptions(
            null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);

    /** Returns these options, with what isn't said here taken from {@code fallback}. */
    public SamplingOptions orElse(SamplingOptions fallback) {
        return new SamplingOptions(
                first(maxTokens, fallback.maxTokens),
                first(minTokens, fallback.minTokens),
                first(temperature, fallback.temperature),
                first(topP, fallback.topP),
                first(topK, fallback.topK),
                first(minP, fallback.minP),
                first(presencePenalty, fallback.presencePenalty),
                first(frequencyPenalty, fallback.frequencyPenalty),
                first(repetitionPenalty, fallback.repetitionPenalty),
                first(seed, fallback.seed),
                first(n, fallback.n),
                first(stop, fallback.stop),
                first(stopTokenIds, fallback.stopTokenIds),
                first(ignoreEos, fallback.ignoreEos),
                first(logitBias, fallback.logitBias),
                first(topLogprobs, fallback.topLogprobs));
    }

    private static <T> @Nullable T first(@Nullable T a, @Nullable T b) {
        return a != null ? a : b;
    }
}
