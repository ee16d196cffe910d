package io.millrace.job.dataset;

import org.jspecify.annotations.Nullable;

/**
 * What the model said in one attempt.
 *
 * @param attempt from 0
 * @param seed of this attempt
 * @param finishReason as in completions
 * @param reasoning null if there is none
 * @param completion the answer without the reasoning, null if the model ended inside its reasoning
 * @param promptTokens of the rendered prompt
 * @param completionTokens generated ones, reasoning included
 */
record Sample(
        int attempt,
        long seed,
        String finishReason,
        @Nullable String reasoning,
        @Nullable String completion,
        int promptTokens,
        int completionTokens) {}
