package io.millrace.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * Two ways measured in interleaved pairs: the ratio of each pair, their median, and its 95 % interval by bootstrap (resampling of
 * pairs with a fixed seed). Thread: one.
 */
final class PairedComparison {
    private static final int NUM_RESAMPLES = 10_000;
    private static final long SEED = 20260101;

    private final String baseline;
    private final String other;
    private final List<ServingReport[]> pairs = new ArrayList<>();

    PairedComparison(String baseline, String other) {
        this.baseline = baseline;
        this.other = other;
    }

    /** A median with its interval. */
    record Interval(double median, double low, double high) {}

    void add(ServingReport baselineReport, ServingReport otherReport) {
        pairs.add(new ServingReport[] {baselineReport, otherReport});
    }

    String baseline() {
        return baseline;
    }

    String other() {
        return other;
    }

    Workload workload() {
        return pairs.get(0)[0].workload();
    }

    /** Returns the baseline's run with the median throughput up to the last token; of an even number the lower one. */
    ServingReport typicalBaseline() {
        return typical(0);
    }

    /** Returns the same of the other way. */
    ServingReport typicalOther() {
        return typical(1);
    }

    private ServingReport typical(int way) {
        return pairs.stream()
                .map(p -> p[way])
                .sorted(Comparator.comparingDouble(ServingReport::engineThroughput))
                .skip((pairs.size() - 1) / 2)
                .findFirst()
                .orElseThrow();
    }

    /** Returns the other's throughput up to the last token relative to the baseline's: of the pairs, the median. */
    double throughputRatio() {
        return ratio(ServingReport::engineThroughput).median();
    }

    /** Returns how many sequences ran together at most, in the run of either way in which that was least. */
    int leastPeakRunning() {
        return pairs.stream()
                .flatMap(Arrays::stream)
                .mapToInt(r -> r.engine().peakRunning())
                .min()
                .orElseThrow();
    }

    private Interval ratio(ToDoubleFunction<ServingReport> figure) {
        return interval(pairs.stream()
                .mapToDouble(p -> figure.applyAsDouble(p[1]) / figure.applyAsDouble(p[0]))
                .filter(Double::isFinite)
                .toArray());
    }

    /** Returns the median of values and its 95 % interval; NaN of nothing. */
    static Interval interval(double[] values) {
        if (values.length == 0) {
            return new Interval(Double.NaN, Double.NaN, Double.NaN);
        }
        SplittableRandom random = new SplittableRandom(SEED);
        double[] medians = new double[NUM_RESAMPLES];
        for (int i = 0; i < medians.length; i++) {
            medians[i] = median(random.ints(values.length, 0, values.length)
                    .mapToDouble(k -> values[k])
                    .toArray());
        }
        Arrays.sort(medians);
        return new Interval(median(values), Spread.percentile(medians, 2.5), Spread.percentile(medians, 97.5));
    }

    private static double median(double[] values) {
        return Spread.of(values).median();
    }

    ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("compare", other + "/" + baseline);
        json.put("concurrency", workload().concurrency());
        json.put("input_len", workload().inputTokens());
        json.put("output_len", workload().outputTokens());
        json.put("pairs", pairs.size());
        json.put("least_peak_running", leastPeakRunning());
        ReportJson.number(
                json, "baseline_engine_output_throughput", typicalBaseline().engineThroughput());
        ReportJson.number(json, "other_engine_output_throughput", typicalOther().engineThroughput());
        put(json, "output_throughput_ratio", ratio(ServingReport::outputThroughput));
        put(json, "engine_output_throughput_ratio", ratio(ServingReport::engineThroughput));
        put(json, "decode_tokens_per_second_ratio", ratio(r -> r.decode().perSecond()));
        put(json, "decode_tokens_per_cpu_second_ratio", ratio(r -> r.decode().perCpuSecond()));
        put(json, "mean_ttft_ms_ratio", ratio(r -> r.ttft().mean()));
        ReportJson.number(
                json,
                "mean_added_ttft_ms",
                interval(pairs.stream()
                                .mapToDouble(p -> p[1].addedTtft().mean())
                                .toArray())
                        .median());
        ReportJson.number(
                json,
                "max_others_cpus",
                pairs.stream()
                        .flatMap(Arrays::stream)
                        .mapToDouble(ServingReport::othersCpus)
                        .max()
                        .orElse(Double.NaN));
        return json;
    }

    private static void put(ObjectNode json, String name, Interval i) {
        ReportJson.number(json, name, i.median);
        ReportJson.number(json, name + "_low", i.low);
        ReportJson.number(json, name + "_high", i.high);
    }

    String text() {
        return String.format(
                        Locale.ROOT,
                        "%s / %s at %d, %d interleaved pairs: median [95 %% interval]%n",
                        other,
                        baseline,
                        workload().concurrency(),
                        pairs.size())
                + row("output throughput, completions visible", ratio(ServingReport::outputThroughput))
                + row("output throughput, up to the last token", ratio(ServingReport::engineThroughput))
                + row("decode throughput while all run", ratio(r -> r.decode().perSecond()))
                + row("decode tokens per CPU second", ratio(r -> r.decode().perCpuSecond()))
                + row("mean time to first token", ratio(r -> r.ttft().mean()));
    }

    private static String row(String name, Interval i) {
        return String.format(Locale.ROOT, "  %-40s %.4f [%.4f, %.4f]%n", name, i.median, i.low, i.high);
    }
}
