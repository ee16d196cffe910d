package io.millrace.bench;

import java.util.SplittableRandom;

/**
 * What one run asks: prompts of one length, all at once, answers of one length. Same seed, same prompts.
 *
 * @param concurrency sequences that run together at most, ≥ 1
 * @param numPrompts requests, ≥ 1
 * @param inputTokens of each prompt, ≥ 1
 * @param outputTokens of each answer, ≥ 1; end tokens are ignored
 * @param seed of the random prompts
 */
record Workload(int concurrency, int numPrompts, int inputTokens, int outputTokens, long seed) {
    /** Returns random prompts [numPrompts][inputTokens] i32, ids below {@code vocabulary}. */
    int[][] prompts(int vocabulary) {
        SplittableRandom random = new SplittableRandom(seed);
        int[][] prompts = new int[numPrompts][inputTokens];
        for (int[] prompt : prompts) {
            for (int i = 0; i < prompt.length; i++) {
                prompt[i] = random.nextInt(vocabulary);
            }
        }
        return prompts;
    }
}
