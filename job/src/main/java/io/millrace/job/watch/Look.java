package io.millrace.job.watch;

import io.millrace.job.watch.PrometheusText.Series;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the task managers said at one time. Immutable.
 *
 * @param nanos when, by {@link System#nanoTime}
 * @param values by {@code host:port} of those that answered
 * @param silent {@code host:port} of those that didn't
 */
public record Look(long nanos, Map<String, Map<Series, Double>> values, List<String> silent) {
    private static final String PREFIX = "millrace_";

    /**
     * Reads scrapes.
     *
     * @param scrapes text by {@code host:port}
     * @throws IllegalArgumentException if one isn't of the format
     */
    static Look parse(long nanos, Map<String, String> scrapes, List<String> silent) {
        Map<String, Map<Series, Double>> values = new LinkedHashMap<>();
        scrapes.forEach((endpoint, text) -> values.put(endpoint, PrometheusText.parse(text)));
        return new Look(nanos, values, List.copyOf(silent));
    }

    /** Returns a series without labels of one task manager; NaN if it has none or didn't answer. */
    public double value(String endpoint, String name) {
        return values.getOrDefault(endpoint, Map.of()).getOrDefault(new Series(PREFIX + name, Map.of()), Double.NaN);
    }

    /** Returns the sum of a gauge over the task managers. */
    public double sum(String name) {
        return values.values().stream()
                .mapToDouble(v -> v.getOrDefault(new Series(PREFIX + name, Map.of()), 0.0))
                .sum();
    }

    /**
     * Returns by how much a counter grew, over all task managers, by its one label (empty without one).
     *
     * <p>A counter that is lower than before began anew with its JVM: what it has is what it grew by. A task manager that didn't
     * answer at the earlier look adds nothing.
     *
     * @param since the earlier look; null = since the JVMs' starts
     */
    Map<String, Double> growth(String name, @Nullable Look since) {
        Map<String, Double> growth = new TreeMap<>();
        values.forEach((endpoint, now) -> {
            Map<Series, Double> before = since == null ? Map.of() : since.values.get(endpoint);
            if (before != null) {
                now.forEach((series, value) -> {
                    if (series.name().equals(PREFIX + name)) {
                        double old = before.getOrDefault(series, 0.0);
                        growth.merge(
                                String.join(",", series.labels().values()),
                                value < old ? value : value - old,
                                Double::sum);
                    }
                });
            }
        });
        return growth;
    }

    /** Returns {@link #growth} over all labels. */
    double total(String name, @Nullable Look since) {
        return growth(name, since).values().stream()
                .mapToDouble(Double::doubleValue)
                .sum();
    }

    /**
     * Returns a quantile of a histogram by linear interpolation within its bucket, NaN if nothing was counted. In the bucket without
     * an upper bound it is that bucket's lower bound.
     *
     * @param q in (0, 1)
     */
    double quantile(double q, String name, @Nullable Look since) {
        Map<Double, Double> cumulative = new TreeMap<>();
        growth(name + "_bucket", since)
                .forEach((le, count) ->
                        cumulative.put(le.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(le), count));
        double rank = q * cumulative.getOrDefault(Double.POSITIVE_INFINITY, 0.0);
        if (rank == 0) {
            return Double.NaN;
        }
        double lower = 0;
        double below = 0;
        for (Map.Entry<Double, Double> bucket : cumulative.entrySet()) {
            if (bucket.getValue() >= rank) {
                double upper = bucket.getKey();
                return Double.isInfinite(upper)
                        ? lower
                        : lower + (upper - lower) * (rank - below) / (bucket.getValue() - below);
            }
            lower = bucket.getKey();
            below = bucket.getValue();
        }
        return Double.NaN; // unreachable: the last bucket has them all
    }
}
