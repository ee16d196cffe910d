package io.millrace.job.dataset;

/** The seed of each attempt, from the run's seed, the row's index and the attempt's: the same in every run, whatever its timing. */
final class AttemptSeeds {
    private AttemptSeeds() {}

    /** Returns the seed of an attempt. Two attempts of a row never share one: for a row it is a bijection of the attempt. */
    static long seed(long runSeed, long row, int attempt) {
        return mix(mix(runSeed ^ mix(row + 1)) + attempt);
    }

    /** The finaliser of SplitMix64 (Steele, Lea, Flood 2014, fig. 16): a bijection of 64 bits. */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
