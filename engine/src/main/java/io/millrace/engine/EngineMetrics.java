package io.millrace.engine;

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
    /** Samples finished. */
    public final LongAdder finished = new LongAdder();
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

    /** Returns the share of the KV pool in use, 0 … 1. */
    public double kvCacheUsage() {
        int total = totalPages.get();
        return total == 0 ? 0 : (double) usedPages.get() / total;
    }
}
