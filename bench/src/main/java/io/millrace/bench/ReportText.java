package io.millrace.bench;

import java.util.Locale;

/** A report for people, in the layout of vLLM's {@code bench serve}; what only Millrace has comes last. */
final class ReportText {
    private static final int WIDTH = 50;

    private ReportText() {}

    static String of(ServingReport r) {
        StringBuilder out = new StringBuilder();
        rule(out, " Serving Benchmark Result ", '=');
        row(out, "Successful requests:", r.completed());
        row(out, "Maximum request concurrency:", r.workload().concurrency());
        row(out, "Benchmark duration (s):", r.duration());
        row(out, "Total input tokens:", r.totalInputTokens());
        row(out, "Total generated tokens:", r.totalOutputTokens());
        row(out, "Request throughput (req/s):", r.requestThroughput());
        row(out, "Output token throughput (tok/s):", r.outputThroughput());
        row(out, "Total Token throughput (tok/s):", r.totalTokenThroughput());
        spread(out, "Time to First Token", "TTFT", r.ttft());
        spread(out, "Time per Output Token (excl. 1st token)", "TPOT", r.tpot());
        spread(out, "Inter-token Latency", "ITL", r.itl());
        rule(out, "Through " + r.through(), '-');
        row(out, "Prefill throughput (tok/s):", r.prefill().perSecond());
        row(out, "Decode throughput, all run (tok/s):", r.decode().perSecond());
        row(out, "Decode per CPU second (tok):", r.decode().perCpuSecond());
        row(out, "TPOT growth over the context:", r.growth().ratio());
        row(out, "Fewest tokens while all run:", r.minTokensWhileAllRun());
        row(out, "Most tokens while all run:", r.maxTokensWhileAllRun());
        row(out, "Mean added TTFT (ms):", r.addedTtft().mean());
        row(out, "Peak running requests:", r.engine().peakRunning());
        row(out, "Peak KV cache usage (%):", 100 * r.engine().peakKvUsage());
        row(out, "Preemptions:", r.engine().preemptions());
        row(out, "Step overhead (%):", 100 * r.engine().stepOverheadShare());
        row(out, "Resident memory (MiB):", r.engine().residentBytes() / (double) (1 << 20));
        row(out, "CPUs used by others:", r.othersCpus());
        rule(out, "", '=');
        return out.toString();
    }

    private static void spread(StringBuilder out, String title, String name, Spread s) {
        rule(out, title, '-');
        row(out, "Mean " + name + " (ms):", s.mean());
        row(out, "Median " + name + " (ms):", s.median());
        row(out, "P99 " + name + " (ms):", s.p99());
    }

    /** A title in the middle of a line; as Python's {@code ^} format, the odd filler goes to the right. */
    private static void rule(StringBuilder out, String title, char fill) {
        int left = (WIDTH - title.length()) / 2;
        String filler = String.valueOf(fill);
        out.append(filler.repeat(left))
                .append(title)
                .append(filler.repeat(WIDTH - title.length() - left))
                .append('\n');
    }

    private static void row(StringBuilder out, String name, long value) {
        row(out, name, Long.toString(value));
    }

    private static void row(StringBuilder out, String name, double value) {
        row(out, name, Double.isNaN(value) ? "n/a" : String.format(Locale.ROOT, "%.2f", value));
    }

    private static void row(StringBuilder out, String name, String value) {
        out.append(String.format(Locale.ROOT, "%-40s ", name)).append(value).append('\n');
    }
}
