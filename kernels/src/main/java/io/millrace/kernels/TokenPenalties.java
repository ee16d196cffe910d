package io.millrace.kernels;

/**
 * Changes to single logits of one row, as a sparse list: first {@code bias} is added, then the repetition penalty (logit &gt; 0:
 * divided, else multiplied), then frequency · count and presence are subtracted (both over the output only).
 *
 * @param tokens ids that occur in prompt or output or carry a bias, each once; the first {@code length} entries count
 * @param outputCounts occurrences in the output; 0 = only in the prompt or only biased
 * @param isSeen whether the id occurs in prompt or output (the repetition penalty applies)
 * @param bias added to the logit; {@code −∞} forbids the token
 * @param length entries in use
 * @param repetition 1 = off; &gt; 0
 * @param frequency 0 = off
 * @param presence 0 = off
 */
@SuppressWarnings("ArrayRecordComponent") // reused buffers, compared by nobody
public record TokenPenalties(
        int[] tokens,
        int[] outputCounts,
        boolean[] isSeen,
        float[] bias,
        int length,
        float repetition,
        float frequency,
        float presence) {}
