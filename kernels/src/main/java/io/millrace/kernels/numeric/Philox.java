package io.millrace.kernels.numeric;

/**
 * Philox4x32-10, a counter-based random number generator (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), and
 * the noise that the sampler draws from it. No state: the same seed, token, position and sample index give the same number in
 * any batch, after any restart. Any thread.
 */
public final class Philox {
    /** Counter word that separates sampling from other uses. */
    public static final int SAMPLING_DOMAIN = 1;

    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;

    private Philox() {}

    /**
     * Computes the block of a counter.
     *
     * @param out [4] i32, filled
     * @param seed key: low half first
     */
    public static void block(int[] out, int counter0, int counter1, int counter2, int counter3, long seed) {
        int c0 = counter0;
        int c1 = counter1;
        int c2 = counter2;
        int c3 = counter3;
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (c0 & 0xFFFFFFFFL);
            long p1 = MULTIPLIER_1 * (c2 & 0xFFFFFFFFL);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }

    /**
     * Computes the numbers of the four tokens {@code 4 · tokenBlock …}.
     *
     * @param out [4] i32, filled
     * @param position index of the drawn token in the sequence's output
     * @param sampleIndex which of a request's n samples
     */
    public static void tokenBlock(int[] out, long seed, int tokenBlock, int position, int sampleIndex) {
        block(out, tokenBlock, position, sampleIndex, SAMPLING_DOMAIN, seed);
    }

    /** Returns {@code (x + ½) · 2⁻³²} of the unsigned x: in (0, 1), exact. */
    public static double uniform(int x) {
        return (Integer.toUnsignedLong(x) + 0.5) * 0x1p-32;
    }

    /** Returns the standard Gumbel value {@code −ln(−ln u)} of {@link #uniform}: −3.14 … 22.88. StrictMath, so equal everywhere. */
    public static double gumbel(int x) {
        return -StrictMath.log(-StrictMath.log(uniform(x)));
    }
}
