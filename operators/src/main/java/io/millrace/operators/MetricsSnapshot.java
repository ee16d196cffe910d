package io.millrace.operators;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.FinishReason;
import io.millrace.engine.LatencyHistogram;
import io.millrace.engine.RejectedException.Stage;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;

/**
 * A task manager's counters as Prometheus sees them: vLLM's names with prefix {@value #PREFIX} (not "millrace:", because Prometheus
 * keeps the colon for recording rules, and promtool says so). Read at each scrape; nothing is collected in between. Any thread.
 */
final class MetricsSnapshot implements MultiCollector {
    static final String PREFIX = "millrace_";

    private final EngineMetrics engine;
    private final PipelineTotals pipeline;

    MetricsSnapshot(EngineMetrics engine, PipelineTotals pipeline) {
        this.engine = engine;
        this.pipeline = pipeline;
    }

    @Override
    public MetricSnapshots collect() {
        MetricSnapshots.Builder all = MetricSnapshots.builder();
        requests(all);
        tokens(all);
        latencies(all);
        return all.build();
    }

    private void requests(MetricSnapshots.Builder all) {
        gauge(
                all,
                "num_requests_running",
                "Sequences that hold pages of the KV pool.",
                engine.numRequestsRunning.get());
        gauge(all, "num_requests_waiting", "Sequences that wait in the engine.", engine.numRequestsWaiting.get());
        gauge(all, "num_requests_in_flight", "Prompts taken and not yet answered.", pipeline.inFlightRequests.get());
        gauge(all, "in_flight_bytes", "Bytes of the prompts in flight.", (double) pipeline.inFlightBytes.get());
        gauge(all, "kv_cache_usage_perc", "Share of the KV pool's pages in use, 0 to 1.", engine.kvCacheUsage());
        CounterSnapshot.Builder success =
                CounterSnapshot.builder().name(PREFIX + "request_success").help("Samples finished, by reason.");
        for (FinishReason reason : FinishReason.values()) {
            success.dataPoint(CounterDataPointSnapshot.builder()
                    .labels(Labels.of("finished_reason", reason.wireName()))
                    .value((double) engine.finished(reason))
                    .build());
        }
        all.metricSnapshot(success.build());
        CounterSnapshot.Builder deadLetters = CounterSnapshot.builder()
                .name(PREFIX + "dead_letters")
                .help("Prompts that went to the dead letters, by the stage that failed.");
        for (Stage stage : Stage.values()) {
            deadLetters.dataPoint(CounterDataPointSnapshot.builder()
                    .labels(Labels.of("stage", stage.wireName()))
                    .value((double) pipeline.deadLetters(stage).sum())
                    .build());
        }
        all.metricSnapshot(deadLetters.build());
        counter(all, "unknown_fields", "Fields of prompts that were ignored.", pipeline.unknownFields.sum());
        counter(all, "num_preemptions", "Sequences preempted for want of pages.", engine.preemptions.sum());
        counter(all, "steps", "Steps of the engine.", engine.steps.sum());
    }

    private void tokens(MetricSnapshots.Builder all) {
        counter(all, "prompt_tokens", "Prompt tokens computed.", engine.promptTokens.sum());
        counter(all, "generation_tokens", "New tokens.", engine.generationTokens.sum());
        counter(all, "resumed_tokens", "Tokens restored from checkpoints.", pipeline.resumedTokens.sum());
        counter(
                all,
                "recomputed_tokens",
                "Tokens computed again after a preemption or a resume.",
                engine.recomputedTokens.sum());
        counter(
                all,
                "prefix_cache_queries",
                "Prompt tokens looked up in the prefix cache.",
                engine.prefixCacheQueries.sum());
        counter(all, "prefix_cache_hits", "Prompt tokens found there.", engine.prefixCacheHits.sum());
        counter(all, "spec_decode_num_draft_tokens", "Draft tokens verified.", engine.draftTokens.sum());
        counter(all, "spec_decode_num_accepted_tokens", "Draft tokens accepted.", engine.acceptedTokens.sum());
    }

    private void latencies(MetricSnapshots.Builder all) {
        histogram(
                all, "time_to_first_token_seconds", "From submission to the first new token.", engine.timeToFirstToken);
        histogram(all, "time_per_output_token_seconds", "Mean between a sample's tokens.", engine.timePerOutputToken);
        histogram(all, "e2e_request_latency_seconds", "From submission to the end.", engine.e2eRequestLatency);
    }

    private static void gauge(MetricSnapshots.Builder all, String name, String help, double value) {
        all.metricSnapshot(GaugeSnapshot.builder()
                .name(PREFIX + name)
                .help(help)
                .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
                .build());
    }

    /** The format itself adds {@code _total}. */
    private static void counter(MetricSnapshots.Builder all, String name, String help, long value) {
        all.metricSnapshot(CounterSnapshot.builder()
                .name(PREFIX + name)
                .help(help)
                .dataPoint(
                        CounterDataPointSnapshot.builder().value((double) value).build())
                .build());
    }

    private static void histogram(MetricSnapshots.Builder all, String name, String help, LatencyHistogram times) {
        all.metricSnapshot(HistogramSnapshot.builder()
                .name(PREFIX + name)
                .help(help)
                .dataPoint(HistogramDataPointSnapshot.builder()
                        .classicHistogramBuckets(ClassicHistogramBuckets.of(times.upperBounds(), times.counts()))
                        .sum(times.sumSeconds())
                        .build())
                .build());
    }
}
