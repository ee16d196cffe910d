package io.millrace.engine.text;

import java.util.List;

/**
 * Finds stop strings in text that comes bit by bit. Not thread-safe: one sample, one thread at a time.
 *
 * <p>The first position at which a stop string is complete ends the text, the longest if several end there; where the text
 * was cut into bits makes no difference. Held back is only what may still become a stop string, at most one character less
 * than the longest has. Knuth-Morris-Pratt: constant time a character and stop string.
 */
final class StopMatcher {
    private final List<String> stops;
    /** [stops][characters] i32: length of the longest proper border of each stop string's first i + 1 characters. */
    private final int[][] borders;
    /** [stops] i32: how many characters of each stop string the text ends with. */
    private final int[] matched;
    /** Text that isn't given out yet starts at {@link #heldFrom}. */
    private final StringBuilder held = new StringBuilder();

    private int heldFrom;
    private boolean isStopped;

    /**
     * Takes the stop strings.
     *
     * @throws IllegalArgumentException if one is empty
     */
    StopMatcher(List<String> stops) {
        if (stops.contains("")) {
            throw new IllegalArgumentException("a stop string is empty");
        }
        this.stops = List.copyOf(stops);
        borders = this.stops.stream().map(StopMatcher::borders).toArray(int[][]::new);
        matched = new int[borders.length];
    }

    private static int[] borders(String stop) {
        int[] out = new int[stop.length()];
        for (int i = 1, k = 0; i < out.length; i++) {
            while (k > 0 && stop.charAt(i) != stop.charAt(k)) {
                k = out[k - 1];
            }
            k += stop.charAt(i) == stop.charAt(k) ? 1 : 0;
            out[i] = k;
        }
        return out;
    }

    /**
     * Returns what has become safe to give out; after a stop string, all that stands before it.
     *
     * @param text whole characters
     * @param canStop false: a stop string that ends in this text is let through
     */
    String append(String text, boolean canStop) {
        if (isStopped) {
            throw new IllegalStateException("text after a stop string");
        }
        if (stops.isEmpty()) {
            return text;
        }
        for (int i = 0; i < text.length(); i++) {
            held.append(text.charAt(i));
            int numFound = advance(text.charAt(i));
            if (numFound > 0 && canStop) {
                isStopped = true;
                return release(numFound);
            }
        }
        int keep = 0;
        for (int m : matched) {
            keep = Math.max(keep, m);
        }
        return release(keep);
    }

    /** Takes one character; returns the length of the longest stop string that is complete with it, 0 if none is. */
    private int advance(char c) {
        int numFound = 0;
        for (int s = 0; s < matched.length; s++) {
            String stop = stops.get(s);
            int k = matched[s];
            while (k > 0 && stop.charAt(k) != c) {
                k = borders[s][k - 1];
            }
            k += stop.charAt(k) == c ? 1 : 0;
            if (k == stop.length()) {
                numFound = Math.max(numFound, k);
                k = borders[s][k - 1];
            }
            matched[s] = k;
        }
        return numFound;
    }

    private String release(int keep) {
        int end = held.length() - keep;
        String out = held.substring(heldFrom, end);
        heldFrom = end;
        if (heldFrom > held.length() / 2) { // seldom, so that a long stop string isn't moved for every character
            held.delete(0, heldFrom);
            heldFrom = 0;
        }
        return out;
    }

    /** Returns the rest that was held back, nothing after a stop string. */
    String finish() {
        return isStopped ? "" : release(0);
    }

    boolean isStopped() {
        return isStopped;
    }
}
