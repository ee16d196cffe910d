package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.FinishReason;
import io.millrace.engine.RejectedException.Stage;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.testutils.MetricListener;
import org.junit.jupiter.api.Test;

class FlinkMetricsTest {
    private final MetricListener listener = new MetricListener();
    private final EngineMetrics engine = new EngineMetrics();
    private final FlinkMetrics metrics = new FlinkMetrics(listener.getMetricGroup(), engine);

    @Test
    void showsTheEnginesNumbersByTheirUsualNames() {
        engine.promptTokens.add(7);
        engine.generationTokens.add(8);
        engine.keptTokens.add(9);
        engine.numRequestsRunning.set(2);
        engine.numRequestsWaiting.set(3);
        engine.usedPages.set(1);
        engine.totalPages.set(4);
        Map.<String, Object>of(
                        "prompt_tokens_total",
                        7L,
                        "generation_tokens_total",
                        8L,
                        "kept_tokens_total",
                        9L,
                        "num_requests_running",
                        2,
                        "num_requests_waiting",
                        3,
                        "kv_cache_usage_perc",
                        0.25)
                .forEach((name, value) -> assertThat(gauge(name)).as(name).isEqualTo(value));
    }

    @Test
    void countsCompletionsByTheirReason() {
        metrics.success(FinishReason.LENGTH);
        metrics.success(FinishReason.LENGTH);
        metrics.success(FinishReason.STOP);
        long before = PipelineTotals.OF_JVM.deadLetters(Stage.TOKENIZE).sum();
        metrics.deadLetter(Stage.TOKENIZE);
        assertThat(PipelineTotals.OF_JVM.deadLetters(Stage.TOKENIZE).sum() - before)
                .isEqualTo(1);
        metrics.unknownFields(4);
        assertThat(counter("finished_reason", "length", "request_success_total"))
                .isEqualTo(2);
        assertThat(counter("finished_reason", "stop", "request_success_total")).isEqualTo(1);
        assertThat(counter("finished_reason", "deadline", "request_success_total"))
                .isZero();
        assertThat(counter("dead_letters_total")).isEqualTo(1);
        assertThat(counter("unknown_fields_total")).isEqualTo(4);
    }

    private Object gauge(String name) {
        return listener.<Object>getGauge("millrace", name).map(Gauge::getValue).orElse(null);
    }

    private long counter(String... path) {
        String[] full = new String[path.length + 1];
        full[0] = "millrace";
        System.arraycopy(path, 0, full, 1, path.length);
        return listener.getCounter(full).map(Counter::getCount).orElse(-1L);
    }
}
