package io.millrace.engine.program;

/**
 * Bounds of one program.
 *
 * @param maxSteps steps, a choice of a select counting as one, all rounds and branches unrolled
 * @param maxTokens tokens that its draws may make together
 * @param contextTokens what a draw without {@code max_tokens} counts as: the model's context
 */
public record ProgramLimits(int maxSteps, long maxTokens, int contextTokens) {}
