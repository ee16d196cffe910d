package io.millrace.job.dataset;

/** 64-bit hashes that are the same everywhere and always. Any thread. */
final class Hash64 {
    private Hash64() {}

    /** FNV-1a over the chars. */
    static long of(CharSequence text) {
        long h = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            h = (h ^ text.charAt(i)) * 0x100000001b3L;
        }
        return h;
    }

    /** The finaliser of SplitMix64 (Steele, Lea, Flood 2014, fig. 16): a bijection of 64 bits. */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
