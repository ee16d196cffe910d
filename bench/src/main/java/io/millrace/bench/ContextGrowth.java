package io.millrace.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How the time per output token grows with the context: the run's tokens in windows of {@link #WINDOW} positions, the median of each
 * over all requests. Clean at one request; with many, prompts of others that are prefilled in the same step count, too.
 *
 * @param points by ascending context
 */
record ContextGrowth(List<Point> points) {
    /** Positions of one point. */
    static final int WINDOW = 50;

    /** Copies the list. */
    ContextGrowth {
        points = List.copyOf(points);
    }

    /**
     * The time per token around one length of context.
     *
     * @param context tokens before the window's middle token, prompt included
     * @param millis median milliseconds per token
     */
    record Point(int context, double millis) {}

    /**
     * Cuts a run into windows; what doesn't fill the last one is left out.
     *
     * @param inputTokens of every prompt
     * @param tokens [requests][outputTokens] i64, nanoseconds: when each token was made
     */
    static ContextGrowth of(int inputTokens, long[][] tokens) {
        List<Point> points = new ArrayList<>();
        double[][] gaps = Arrays.stream(tokens).map(ServingReport::gaps).toArray(double[][]::new);
        int length = Arrays.stream(gaps).mapToInt(g -> g.length).min().orElse(0);
        for (int from = 0; from + WINDOW <= length; from += WINDOW) {
            int first = from;
            double[] millis = Arrays.stream(gaps)
                    .flatMapToDouble(g -> Arrays.stream(g, first, first + WINDOW))
                    .toArray();
            points.add(new Point(
                    inputTokens + 1 + from + WINDOW / 2, Spread.of(millis).median()));
        }
        return new ContextGrowth(points);
    }

    /** Returns the last window's time over the first's; NaN with fewer than two windows. */
    double ratio() {
        return points.size() < 2 ? Double.NaN : points.get(points.size() - 1).millis / points.get(0).millis;
    }
}
