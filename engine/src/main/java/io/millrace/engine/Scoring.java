package io.millrace.engine;

import org.jspecify.annotations.Nullable;

/**
 * Asks for log-probabilities of tokens that are given, not drawn: the model reads them as it reads any prompt, and says how likely
 * each was.
 *
 * @param continuation text behind the prompt whose tokens are scored, never read for special tokens; such a request draws nothing
 *     and ends when they are. Null = the prompt's own tokens but the first are scored, ahead of the first draw
 * @param topLogprobs 0 … {@link SamplingParams#MAX_TOP_LOGPROBS}: that many of the most likely tokens beside each
 */
public record Scoring(@Nullable String continuation, int topLogprobs) {}
