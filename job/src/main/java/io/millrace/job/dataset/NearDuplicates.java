package io.millrace.job.dataset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds texts that are nearly like an earlier one, by MinHash (Broder 1997) with banding. A text is its set of three consecutive words,
 * lower case; two texts are near if the Jaccard similarity of their sets, estimated from 128 minima (± 0.04 around 0.8), is at least
 * the threshold. Candidates share one of 32 bands of 4 minima: at a similarity of 0.8 all but 1 in 10⁷ pairs do, at 0.5 87 %.
 *
 * <p>Memory: 512 bytes and 32 map entries per text that was kept. Thread: one.
 */
final class NearDuplicates {
    private static final int SHINGLE_WORDS = 3;
    private static final int MINIMA = 128;
    private static final int BAND_MINIMA = 4;
    private static final long SEED = 0x9e3779b97f4a7c15L;

    private final double threshold;
    private final List<Kept> kept = new ArrayList<>();
    private final Map<Long, List<Integer>> bands = new HashMap<>();

    /** A text that was kept: its name and its minima [128] i32. */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    private record Kept(String name, int[] minima) {}

    /**
     * Makes one.
     *
     * @param threshold similarity from which two texts are near, above 0, at most 1
     */
    NearDuplicates(double threshold) {
        this.threshold = threshold;
    }

    /** Returns the name of the first earlier text that this one is near to; if there is none, keeps it and returns null. */
    @Nullable
    String findOrKeep(String name, String text) {
        int[] minima = minima(text);
        long[] keys = bandKeys(minima);
        Set<Integer> candidates = new HashSet<>();
        for (long key : keys) {
            candidates.addAll(bands.getOrDefault(key, List.of()));
        }
        int first = Integer.MAX_VALUE;
        for (int candidate : candidates) {
            if (candidate < first && similarity(minima, kept.get(candidate).minima) >= threshold) {
                first = candidate;
            }
        }
        if (first < Integer.MAX_VALUE) {
            return kept.get(first).name;
        }
        for (long key : keys) {
            bands.computeIfAbsent(key, k -> new ArrayList<>(1)).add(kept.size());
        }
        kept.add(new Kept(name, minima));
        return null;
    }

    /** Returns the share of equal minima of two [128] i32. */
    private static double similarity(int[] a, int[] b) {
        int equal = 0;
        for (int i = 0; i < MINIMA; i++) {
            equal += a[i] == b[i] ? 1 : 0;
        }
        return (double) equal / MINIMA;
    }

    /** Returns the least hash of the text's shingles under each of 128 hash functions, [128] i32. */
    private static int[] minima(String text) {
        int[] minima = new int[MINIMA];
        Arrays.fill(minima, Integer.MAX_VALUE);
        String[] words = text.strip().toLowerCase(Locale.ROOT).split("\\s+", -1);
        for (int i = 0; i <= Math.max(0, words.length - SHINGLE_WORDS); i++) {
            long shingle = 0;
            for (int k = i; k < Math.min(words.length, i + SHINGLE_WORDS); k++) {
                shingle = Hash64.mix(shingle + Hash64.of(words[k]));
            }
            for (int f = 0; f < MINIMA; f++) {
                minima[f] = Math.min(minima[f], (int) Hash64.mix(shingle ^ Hash64.mix(SEED * (f + 1))));
            }
        }
        return minima;
    }

    private static long[] bandKeys(int[] minima) {
        long[] keys = new long[MINIMA / BAND_MINIMA];
        for (int band = 0; band < keys.length; band++) {
            long key = band;
            for (int i = 0; i < BAND_MINIMA; i++) {
                key = Hash64.mix(key * SEED + minima[band * BAND_MINIMA + i]);
            }
            keys[band] = key;
        }
        return keys;
    }
}
