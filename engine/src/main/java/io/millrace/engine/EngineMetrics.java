package io.millrace.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** Plain counters of the engine; any thread may read. They outlive an engine's restart in the same JVM. */
public final class EngineMetrics {
    /** Bytes of weights that are to be loaded; 0 when no engine is starting. */
    public final AtomicLong bytesToLoad = new AtomicLong();
    /** Those of them that are. */
    public final AtomicLong loadedBytes = new AtomicLong();
    /** Prompt tokens whose KV was computed, once per sequence; those found in the prefix cache are left out. */
    public final LongAdder promptTokens = new LongAdder();
    /** New tokens drawn. */
    public final LongAdder generationTokens = new LongAdder();
    /** Tokens that resumed requests brought along and that were not generated again. */
    public final LongAdder keptTokens = new LongAdder();
    /** Tokens whose KV was computed a second time after a preemption or a resume. */
    public final LongAdder recomputedTokens = new LongAdder();
    /** Prompt tokens of sequences admitted for the first time while the prefix cache is on. */
    public final LongAdder prefixCacheQueries = new LongAdder();
    /** Those of them that were found in it. */
    public final LongAdder prefixCacheHits = new LongAdder();
    /** Drafts verified. */
    public final LongAdder draftTokens = new LongAdder();
    /** Those of them that were accepted. */
    public final LongAdder acceptedTokens = new LongAdder();
    /** Sequences preempted. */
    public final LongAdder preemptions = new LongAdder();
    /** Steps run. */
    public final LongAdder steps = new LongAdder();
    /** Nanoseconds of those steps, from taking what was submitted to the last event delivered. */
    public final LongAdder stepNanos = new LongAdder();
    /**
     * The part of them in which the model's layers ran; the rest is scheduling, sampling, detokenising, delivering. On a device that
     * runs beside the host it is what the host waited.
     */
    public final LongAdder forwardNanos = new LongAdder();
    /** Samples finished, by reason. */
    private final Map<FinishReason, LongAdder> finished = new EnumMap<>(FinishReason.class);
    /** Requests rejected by the engine. */
    public final LongAdder rejected = new LongAdder();
    /** Sequences that hold pages now. */
    public final AtomicInteger numRequestsRunning = new AtomicInteger();
    /** Sequences that wait now. */
    public final AtomicInteger numRequestsWaiting = new AtomicInteger();
    /** Pages that sequences hold now. */
    public final AtomicInteger usedPages = new AtomicInteger();
    /** Pages of the pool. */
    public final AtomicInteger totalPages = new AtomicInteger();

    /** From submission to a sample's first new token. */
    public final LatencyHistogram timeToFirstToken = new LatencyHistogram(
            0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000);
    /** Between a sample's new tokens, its mean. */
    public final LatencyHistogram timePerOutputToken =
            new LatencyHistogram(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5);
    /** From submission to a sample's end. */
    public final LatencyHistogram e2eRequestLatency =
            new LatencyHistogram(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000);

    /** Makes counters at zero. */
    public EngineMetrics() {
        for (FinishReason reason : FinishReason.values()) {
            finished.put(reason, new LongAdder());
        }
    }

    private LongAdder counter(FinishReason reason) {
        return Objects.requireNonNull(finished.get(reason));
    }

    /** Returns how many samples ended so. */
    public long finished(FinishReason reason) {
        return counter(reason).sum();
    }

    /** Returns how many samples ended. */
    public long finished() {
        return finished.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** Counts a sample that ended, with its times. */
    void finished(FinishReason reason, EngineEvent.SampleStats stats, int numNewTokens) {
        counter(reason).increment();
        e2eRequestLatency.observe(stats.totalNanos(), 1);
        if (numNewTokens > 0) {
            timeToFirstToken.observe(stats.ttftNanos(), 1);
        }
        if (numNewTokens > 1) {
            timePerOutputToken.observe(stats.totalNanos() - stats.ttftNanos(), numNewTokens - 1);
        }
    }

    /** Returns the share of the KV pool in use, 0 … 1. */
    public double kvCacheUsage() {
        int total = totalPages.get();
        return total == 0 ? 0 : (double) usedPages.get() / total;
    }
}
