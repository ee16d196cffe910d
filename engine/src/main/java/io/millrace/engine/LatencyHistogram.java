package io.millrace.engine;

import java.util.Arrays;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Times counted in fixed buckets, so that several task managers' histograms can be added up. Any thread may observe and read. */
public final class LatencyHistogram {
    private static final double NANOS_PER_SECOND = 1e9;

    private final double[] upperBounds;
    private final LongAdder[] counts;
    private final DoubleAdder sum = new DoubleAdder();

    /**
     * Makes an empty one.
     *
     * @param upperBounds [buckets] seconds, ascending; a last bucket without bound is added
     */
    LatencyHistogram(double... upperBounds) {
        this.upperBounds = upperBounds.clone();
        counts = new LongAdder[upperBounds.length + 1];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
        }
    }

    /** Counts one time: that of {@code numParts} equal parts of {@code nanos} ns. */
    public void observe(long nanos, int numParts) {
        double seconds = nanos / NANOS_PER_SECOND / numParts;
        int bucket = 0;
        while (bucket < upperBounds.length && seconds > upperBounds[bucket]) {
            bucket++;
        }
        counts[bucket].increment();
        sum.add(seconds);
    }

    /** Returns the bounds [buckets] in seconds; the last bucket's is infinite. */
    public double[] upperBounds() {
        double[] bounds = Arrays.copyOf(upperBounds, counts.length);
        bounds[upperBounds.length] = Double.POSITIVE_INFINITY;
        return bounds;
    }

    /** Returns how many times fell in each bucket alone [buckets], not summed up. */
    public long[] counts() {
        long[] now = new long[counts.length];
        for (int i = 0; i < now.length; i++) {
            now[i] = counts[i].sum();
        }
        return now;
    }

    /** Returns the sum of all times in seconds. */
    public double sumSeconds() {
        return sum.sum();
    }
}
