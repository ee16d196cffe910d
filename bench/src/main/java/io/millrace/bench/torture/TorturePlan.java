package io.millrace.bench.torture;

import io.millrace.engine.ConfigException;

/**
 * What a run of {@link Torture} is to do.
 *
 * @param numPrompts ≥ 1
 * @param maxTokens of an answer, ≥ 30; answers have 30 tokens or more
 * @param numKills ≥ 0; one of each {@link Kill} in turn
 * @param maxCalmSeconds ≥ 1: before each kill everything runs undisturbed for a random time up to it
 * @param numLongPauses ≥ 0: a {@link LongPause} each, after the kills
 * @param seed of prompts and schedule
 */
record TorturePlan(int numPrompts, int maxTokens, int numKills, int maxCalmSeconds, int numLongPauses, long seed) {
    /** Of an answer, where it isn't made to end earlier. */
    static final int MIN_TOKENS = 30;

    TorturePlan {
        atLeast("--prompts", numPrompts, 1);
        atLeast("--max-tokens", maxTokens, MIN_TOKENS);
        atLeast("--kills", numKills, 0);
        atLeast("--calm", maxCalmSeconds, 1);
        atLeast("--long-pauses", numLongPauses, 0);
    }

    private static void atLeast(String name, int value, int limit) {
        if (value < limit) {
            throw new ConfigException(name + " is " + value + " but must be at least " + limit);
        }
    }
}
