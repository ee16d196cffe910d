package io.millrace.job.watch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a job is doing, out of three looks: as a screen, as a line, as JSON. Immutable. */
public final class LoadView {
    private static final String TTFT = "time_to_first_token_seconds";
    private static final String TPOT = "time_per_output_token_seconds";
    private static final String E2E = "e2e_request_latency_seconds";
    private static final int[] PERCENTS = {50, 90, 99};

    private final Look now;
    private final Look before;
    private final @Nullable Look windowStart;
    private final double seconds;

    /**
     * Makes one.
     *
     * @param before start of the interval of the rates, earlier than {@code now}
     * @param windowStart start of the window of latencies, hits and accepted drafts; null = since the task managers' starts
     */
    public LoadView(Look now, Look before, @Nullable Look windowStart) {
        this.now = now;
        this.before = before;
        this.windowStart = windowStart;
        this.seconds = (now.nanos() - before.nanos()) / 1e9;
    }

    private double rate(String counter) {
        return now.total(counter, before) / seconds;
    }

    /** Returns a ratio of two counters' growth in the window, NaN if nothing was counted. */
    private double share(String part, String whole) {
        return now.total(part, windowStart) / now.total(whole, windowStart);
    }

    /** The mean over the task managers, NaN without any. */
    private double kvUsage() {
        return now.sum("kv_cache_usage_perc") / now.values().size();
    }

    private Map<String, Double> deadLetters() {
        Map<String, Double> some = now.growth("dead_letters_total", null);
        some.values().removeIf(count -> count == 0);
        return some;
    }

    private String window() {
        return windowStart == null
                ? "since the start"
                : String.format(Locale.ROOT, "last %.0f s", (now.nanos() - windowStart.nanos()) / 1e9);
    }

    /** Returns the lines of a screen. */
    public List<String> screen() {
        List<String> lines = new ArrayList<>();
        lines.add("millrace   " + now.values().size() + " task managers"
                + (now.silent().isEmpty() ? "" : ", no answer from " + String.join(", ", now.silent())));
        lines.add("");
        lines.add(String.format(
                Locale.ROOT,
                "requests   %,.0f running, %,.0f waiting, %,.0f in flight; %,.1f finished/s, %,.1f preempted/s",
                now.sum("num_requests_running"),
                now.sum("num_requests_waiting"),
                now.sum("num_requests_in_flight"),
                rate("request_success_total"),
                rate("num_preemptions_total")));
        lines.add(String.format(
                Locale.ROOT,
                "tokens     %,.0f tok/s generated, %,.0f tok/s of prompts, %,.0f steps/s",
                rate("generation_tokens_total"),
                rate("prompt_tokens_total"),
                rate("steps_total")));
        lines.add("KV pool    " + percent(kvUsage()) + " in use");
        lines.add("");
        lines.add(String.format(Locale.ROOT, "%-16s %9s %9s %9s", window(), "p50", "p90", "p99"));
        lines.add(latency("first token", TTFT));
        lines.add(latency("per token", TPOT));
        lines.add(latency("whole request", E2E));
        lines.add("prefix cache     " + percent(share("prefix_cache_hits_total", "prefix_cache_queries_total"))
                + " of the prompts' tokens found");
        lines.add("drafts           "
                + percent(share("spec_decode_num_accepted_tokens_total", "spec_decode_num_draft_tokens_total"))
                + " accepted");
        lines.add("");
        lines.add("since the start  "
                + whole(now.growth("request_success_total", null), "finished") + "; "
                + whole(deadLetters(), "dead letters"));
        return lines;
    }

    private String latency(String what, String histogram) {
        StringBuilder sb = new StringBuilder(String.format(Locale.ROOT, "%-16s", what));
        for (int p : PERCENTS) {
            sb.append(' ')
                    .append(String.format(Locale.ROOT, "%9s", time(now.quantile(p / 100.0, histogram, windowStart))));
        }
        return sb.toString();
    }

    private static String whole(Map<String, Double> byLabel, String what) {
        double total =
                byLabel.values().stream().mapToDouble(Double::doubleValue).sum();
        String parts = byLabel.entrySet().stream()
                .filter(e -> e.getValue() > 0)
                .map(e -> String.format(Locale.ROOT, "%,.0f %s", e.getValue(), e.getKey()))
                .collect(Collectors.joining(", "));
        return String.format(Locale.ROOT, "%,.0f %s", total, what) + (parts.isEmpty() ? "" : " (" + parts + ")");
    }

    /** Returns one line. */
    public String line() {
        return String.format(
                Locale.ROOT,
                "running %,.0f  waiting %,.0f  kv %s  %,.0f tok/s  ttft p50 %s p99 %s  tpot p50 %s p99 %s  hits %s  dead letters %,.0f%s",
                now.sum("num_requests_running"),
                now.sum("num_requests_waiting"),
                percent(kvUsage()),
                rate("generation_tokens_total"),
                time(now.quantile(0.5, TTFT, windowStart)),
                time(now.quantile(0.99, TTFT, windowStart)),
                time(now.quantile(0.5, TPOT, windowStart)),
                time(now.quantile(0.99, TPOT, windowStart)),
                percent(share("prefix_cache_hits_total", "prefix_cache_queries_total")),
                now.total("dead_letters_total", null),
                now.silent().isEmpty() ? "" : "  no answer from " + String.join(", ", now.silent()));
    }

    /** Returns one JSON object; what isn't known is null. */
    public String json() {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("task_managers", now.values().size());
        now.silent().forEach(json.putArray("silent")::add);
        json.put("interval_seconds", seconds);
        json.put("num_requests_running", now.sum("num_requests_running"));
        json.put("num_requests_waiting", now.sum("num_requests_waiting"));
        json.put("num_requests_in_flight", now.sum("num_requests_in_flight"));
        put(json, "kv_cache_usage_perc", kvUsage());
        json.put("generation_tokens_per_second", rate("generation_tokens_total"));
        json.put("prompt_tokens_per_second", rate("prompt_tokens_total"));
        json.put("requests_per_second", rate("request_success_total"));
        json.put("window", window());
        for (String histogram : List.of(TTFT, TPOT, E2E)) {
            ObjectNode quantiles = json.putObject(histogram);
            for (int p : PERCENTS) {
                put(quantiles, "p" + p, now.quantile(p / 100.0, histogram, windowStart));
            }
        }
        put(json, "prefix_cache_hit_share", share("prefix_cache_hits_total", "prefix_cache_queries_total"));
        put(
                json,
                "draft_acceptance",
                share("spec_decode_num_accepted_tokens_total", "spec_decode_num_draft_tokens_total"));
        now.growth("request_success_total", null).forEach(json.putObject("finished")::put);
        deadLetters().forEach(json.putObject("dead_letters")::put);
        return json.toString();
    }

    private static void put(ObjectNode json, String name, double value) {
        if (Double.isNaN(value)) {
            json.putNull(name);
        } else {
            json.put(name, value);
        }
    }

    private static String percent(double share) {
        return Double.isNaN(share) ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }

    private static String time(double seconds) {
        if (Double.isNaN(seconds)) {
            return "-";
        }
        return seconds < 1
                ? String.format(Locale.ROOT, "%.1f ms", 1000 * seconds)
                : String.format(Locale.ROOT, "%.1f s", seconds);
    }
}
