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

    private static final double MILLIS = 1e-6;

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
        int length = Arrays.stream(tokens).mapToInt(t -> t.length).min().orElse(0);
        for (int from = 1; from + WINDOW <= length; from += WINDOW) {
            int first = from;
            double[] millis = Arrays.stream(tokens)
                    .flatMapToDouble(t -> Arrays.stream(gaps(t, first)))
                    .toArray();
            points.add(
                    new Point(inputTokens + from + WINDOW / 2, Spread.of(millis).median()));
        }
        return new ContextGrowth(points);
    }

    private static double[] gaps(long[] tokens, int from) {
        double[] gaps = new double[WINDOW];
        for (int i = 0; i < WINDOW; i++) {
            gaps[i] = (tokens[from + i] - tokens[from + i - 1]) * MILLIS;
        }
        return gaps;
    }

    /** Returns the last window's time over the first's; NaN with fewer than two windows. */
    double ratio() {
        return points.size() < 2 ? Double.NaN : points.get(points.size() - 1).millis / points.get(0).millis;
    }
}
