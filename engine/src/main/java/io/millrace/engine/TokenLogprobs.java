package io.millrace.engine;

/**
 * One generated token's log-probabilities (log-softmax of the raw logits).
 *
 * @param ids the sampled id, then the most likely ones in order
 * @param logprobs same order, natural logarithm
 */
@SuppressWarnings("ArrayRecordComponent") // written once, compared by nobody
public record TokenLogprobs(int[] ids, float[] logprobs) {}
