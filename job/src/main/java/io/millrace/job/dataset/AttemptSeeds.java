package io.millrace.job.dataset;

/** The seed of each attempt, from the run's seed, the row's place and the attempt: the same in every run, whatever its timing. */
final class AttemptSeeds {
    private AttemptSeeds() {}

    /**
     * Returns the seed of an attempt. Two attempts of a row never share one: for a row it is a bijection of the attempt.
     *
     * @param place {@code file:line} of the row
     */
    static long seed(long runSeed, String place, int attempt) {
        return Hash64.mix(Hash64.mix(runSeed ^ Hash64.mix(Hash64.of(place))) + attempt);
    }
}
