package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

/** The arithmetic, on events written by hand and figures worked out by hand. */
class ServingReportTest {
    private final ServingReport report = ServingReport.of("kafka", Runs.two());

    @Test
    void throughputsCountUntilTheLastCompletionIsVisible() {
        assertThat(report.completed()).isEqualTo(2);
        assertThat(report.duration()).isEqualTo(0.1, within(1e-9));
        assertThat(report.totalInputTokens()).isEqualTo(20);
        assertThat(report.totalOutputTokens()).isEqualTo(6);
        assertThat(report.requestThroughput()).isEqualTo(20, within(1e-6));
        assertThat(report.outputThroughput()).isEqualTo(60, within(1e-6));
        assertThat(report.totalTokenThroughput()).isEqualTo(260, within(1e-6));
        assertThat(report.engineThroughput()).isEqualTo(6 / 0.09, within(1e-6));
    }

    @Test
    void latenciesAreVllms() {
        // first tokens after 50 and 40 ms
        assertThat(report.ttft().mean()).isEqualTo(45, within(1e-9));
        assertThat(report.ttft().median()).isEqualTo(45, within(1e-9));
        assertThat(report.ttft().std()).isEqualTo(5, within(1e-9));
        assertThat(report.ttft().p99()).isEqualTo(49.9, within(1e-9));
        assertThat(report.addedTtft().mean()).isEqualTo(2, within(1e-9));
        // 20 and 30 ms for two tokens each
        assertThat(report.tpot().mean()).isEqualTo(12.5, within(1e-9));
        // 10, 10, 10, 20 ms
        assertThat(report.itl().mean()).isEqualTo(12.5, within(1e-9));
        assertThat(report.itl().median()).isEqualTo(10, within(1e-9));
        assertThat(report.itl().p99()).isEqualTo(19.7, within(1e-9));
    }

    @Test
    void decodeIsWhatHappensWhileAllRun() {
        // from 160 ms, when the second one has its first token, to 170 ms, when the first one ends: one token each
        assertThat(report.decode().perSecond()).isEqualTo(200, within(1e-6));
        assertThat(report.decode().perCpuSecond()).isEqualTo(2 / 0.020, within(1e-6));
        assertThat(report.prefill().perSecond()).isEqualTo(20 / 0.060, within(1e-6));
        assertThat(report.prefill().perCpuSecond()).isEqualTo(20 / 0.090, within(1e-6));
        assertThat(report.minTokensWhileAllRun()).isEqualTo(1);
        assertThat(report.maxTokensWhileAllRun()).isEqualTo(1);
    }

    @Test
    void othersAreWhatTheMachineDidBesideUs() {
        // 0.3 CPU seconds busy, 0.15 of them ours, in 0.1 s
        assertThat(report.othersCpus()).isEqualTo(1.5, within(1e-9));
    }

    @Test
    void withoutATimeWhenAllRunThereIsNoDecodeFigure() {
        ServingReport r = ServingReport.of("engine", Runs.oneAfterTheOther());
        assertThat(r.decode().perSecond()).isNaN();
        assertThat(r.maxTokensWhileAllRun()).isZero();
        ObjectNode json = ReportJson.of(r);
        assertThat(json.get("decode_tokens_per_second").isNull()).isTrue();
        assertThat(json.get("others_cpus").isNull()).isTrue();
        assertThat(json.get("mean_tpot_ms").asDouble()).isEqualTo(10, within(1e-9));
        assertThat(ReportText.of(r)).contains("Decode throughput, all run (tok/s):      n/a\n");
    }

    @Test
    void jsonHasTheNamesThatScriptsRelyOn() {
        ObjectNode json = ReportJson.of(report);
        assertThat(json.fieldNames())
                .toIterable()
                .contains(
                        "completed",
                        "total_input_tokens",
                        "total_output_tokens",
                        "request_throughput",
                        "output_throughput",
                        "mean_ttft_ms",
                        "p99_ttft_ms",
                        "mean_tpot_ms",
                        "p99_tpot_ms",
                        "concurrency",
                        "through",
                        "prefill_tokens_per_second",
                        "decode_tokens_per_second",
                        "resident_bytes",
                        "step_overhead_share");
        assertThat(json.get("through").asText()).isEqualTo("kafka");
        assertThat(json.get("concurrency").asInt()).isEqualTo(2);
        assertThat(json.get("resident_bytes").asLong()).isEqualTo(3_145_728);
    }

    @Test
    void textIsLaidOutAsVllms() {
        assertThat(ReportText.of(report)).isEqualTo("""
                        ============ Serving Benchmark Result ============
                        Successful requests:                     2
                        Maximum request concurrency:             2
                        Benchmark duration (s):                  0.10
                        Total input tokens:                      20
                        Total generated tokens:                  6
                        Request throughput (req/s):              20.00
                        Output token throughput (tok/s):         60.00
                        Total Token throughput (tok/s):          260.00
                        ---------------Time to First Token----------------
                        Mean TTFT (ms):                          45.00
                        Median TTFT (ms):                        45.00
                        P99 TTFT (ms):                           49.90
                        -----Time per Output Token (excl. 1st token)------
                        Mean TPOT (ms):                          12.50
                        Median TPOT (ms):                        12.50
                        P99 TPOT (ms):                           14.95
                        ---------------Inter-token Latency----------------
                        Mean ITL (ms):                           12.50
                        Median ITL (ms):                         10.00
                        P99 ITL (ms):                            19.70
                        ------------------Through kafka-------------------
                        Prefill throughput (tok/s):              333.33
                        Decode throughput, all run (tok/s):      200.00
                        Decode per CPU second (tok):             100.00
                        TPOT growth over the context:            n/a
                        Fewest tokens while all run:             1
                        Most tokens while all run:               1
                        Mean added TTFT (ms):                    2.00
                        Peak running requests:                   2
                        Peak KV cache usage (%):                 50.00
                        Preemptions:                             1
                        Step overhead (%):                       2.50
                        Resident memory (MiB):                   3.00
                        CPUs used by others:                     1.50
                        ==================================================
                        """);
    }
}
