package io.millrace.operators;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.FinishReason;
import io.millrace.engine.RejectedException.Stage;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/**
 * Millrace's metrics in group {@code millrace} of the operator, by the names that users of vLLM know. Those of the engine belong
 * to the task manager, and each of its subtasks reports the same number: take the maximum of a task manager's subtasks, then add up
 * the task managers. Thread: the mailbox; reporters read gauges from their own.
 */
final class FlinkMetrics {
    private final PipelineTotals totals = PipelineTotals.OF_JVM;
    private final Counter deadLetters;
    private final Counter unknownFields;
    private final Counter keptTokens;
    private final Map<FinishReason, Counter> successes = new EnumMap<>(FinishReason.class);
    private volatile int numInFlight;
    private volatile long inFlightBytes;

    FlinkMetrics(MetricGroup operator, EngineMetrics engine) {
        MetricGroup group = operator.addGroup("millrace");
        this.deadLetters = group.counter("dead_letters_total");
        this.unknownFields = group.counter("unknown_fields_total");
        this.keptTokens = group.counter("resumed_tokens_total");
        for (FinishReason reason : FinishReason.values()) {
            successes.put(
                    reason, group.addGroup("finished_reason", reason.wireName()).counter("request_success_total"));
        }
        group.<Integer, Gauge<Integer>>gauge("num_requests_in_flight", () -> numInFlight);
        group.<Long, Gauge<Long>>gauge("in_flight_bytes", () -> inFlightBytes);
        group.<Integer, Gauge<Integer>>gauge("num_requests_running", engine.numRequestsRunning::get);
        group.<Integer, Gauge<Integer>>gauge("num_requests_waiting", engine.numRequestsWaiting::get);
        group.<Double, Gauge<Double>>gauge("kv_cache_usage_perc", engine::kvCacheUsage);
        total(group, "prompt_tokens_total", engine.promptTokens);
        total(group, "generation_tokens_total", engine.generationTokens);
        total(group, "kept_tokens_total", engine.keptTokens);
        total(group, "recomputed_tokens_total", engine.recomputedTokens);
        total(group, "prefix_cache_queries_total", engine.prefixCacheQueries);
        total(group, "prefix_cache_hits_total", engine.prefixCacheHits);
        total(group, "spec_decode_num_draft_tokens_total", engine.draftTokens);
        total(group, "spec_decode_num_accepted_tokens_total", engine.acceptedTokens);
        total(group, "num_preemptions_total", engine.preemptions);
        total(group, "steps_total", engine.steps);
    }

    void inFlight(InFlight inFlight) {
        totals.inFlightRequests.addAndGet(inFlight.numRequests() - numInFlight);
        totals.inFlightBytes.addAndGet(inFlight.valueBytes() - inFlightBytes);
        numInFlight = inFlight.numRequests();
        inFlightBytes = inFlight.valueBytes();
    }

    /** The subtask ends: what it has in flight another will have. */
    void close() {
        totals.inFlightRequests.addAndGet(-numInFlight);
        totals.inFlightBytes.addAndGet(-inFlightBytes);
    }

    void deadLetter(Stage stage) {
        deadLetters.inc();
        totals.deadLetters(stage).increment();
    }

    void unknownFields(int count) {
        unknownFields.inc(count);
        totals.unknownFields.add(count);
    }

    void resumed(int numTokens) {
        keptTokens.inc(numTokens);
        totals.resumedTokens.add(numTokens);
    }

    void success(FinishReason reason) {
        Counter counter = successes.get(reason);
        if (counter != null) {
            counter.inc();
        }
    }

    private static void total(MetricGroup group, String name, LongAdder adder) {
        group.<Long, Gauge<Long>>gauge(name, adder::sum);
    }
}
