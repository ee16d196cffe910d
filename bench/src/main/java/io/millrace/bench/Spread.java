package io.millrace.bench;

import java.util.Arrays;

/**
 * Mean, median, standard deviation and 99th percentile, as vLLM's benchmark has them from NumPy: percentiles are interpolated
 * linearly, the deviation is the population's. NaN of nothing.
 */
record Spread(double mean, double median, double std, double p99) {
    /** Returns the spread of values in any order. */
    static Spread of(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double mean = Arrays.stream(sorted).average().orElse(Double.NaN);
        double variance = Arrays.stream(sorted)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElse(Double.NaN);
        return new Spread(mean, percentile(sorted, 50), Math.sqrt(variance), percentile(sorted, 99));
    }

    /** Returns the percentile of ascending values, linear between neighbours; NaN if there are none. */
    static double percentile(double[] sorted, double percent) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double at = percent / 100 * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
