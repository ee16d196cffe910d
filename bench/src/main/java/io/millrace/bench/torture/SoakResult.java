package io.millrace.bench.torture;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/**
 * What a {@link Soak} saw, and whether its end looks like its beginning.
 *
 * @param seconds of full load, without the warming up
 * @param windowSeconds length of the beginning and of the end that are compared
 * @param answers in the order of their coming
 * @param samples in the order of their taking
 * @param lost prompts without an answer
 * @param doubled answers beyond the first
 * @param deadLetters where none is expected
 * @param restarts of the job
 */
record SoakResult(
        double seconds,
        double windowSeconds,
        List<Answer> answers,
        List<Sample> samples,
        int lost,
        int doubled,
        int deadLetters,
        long restarts) {
    static final double MAX_P99_RATIO = 1.1;
    /** Means of the last samples over means of the first ones. */
    static final double MAX_GROWTH = 1.05;

    /**
     * One answer.
     *
     * @param atSeconds since the load is counted, when it became visible to a reader of committed records
     * @param latencyMs since its prompt was sent
     */
    record Answer(double atSeconds, double latencyMs) {}

    /**
     * One look at everything.
     *
     * @param atSeconds since the load is counted
     * @param processes by name
     * @param openTransactions that the broker holds open
     * @param transactionalIds that the broker knows, open or over
     */
    record Sample(double atSeconds, Map<String, ProcessSample> processes, int openTransactions, int transactionalIds) {
        ProcessSample process(String name) {
            return Objects.requireNonNull(processes.get(name), name);
        }
    }

    /** Returns whether nothing was lost, latency didn't rise and nothing grew. */
    boolean isClean() {
        return lost == 0
                && doubled == 0
                && deadLetters == 0
                && restarts == 0
                && p99Ratio() <= MAX_P99_RATIO
                && grown().isEmpty();
    }

    /** Returns p99 of the latencies of the end over that of the beginning; NaN if nothing was answered in either. */
    double p99Ratio() {
        return percentile(last(), 0.99) / percentile(first(), 0.99);
    }

    private List<Answer> first() {
        return answers.stream().filter(a -> a.atSeconds < windowSeconds).toList();
    }

    private List<Answer> last() {
        return answers.stream()
                .filter(a -> a.atSeconds >= seconds - windowSeconds && a.atSeconds < seconds)
                .toList();
    }

    /** Returns a latency in ms that so many don't exceed; NaN of none. */
    private static double percentile(List<Answer> of, double share) {
        double[] sorted = of.stream().mapToDouble(Answer::latencyMs).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(share * sorted.length) - 1];
    }

    /** Returns what is larger at the end than it may be, in words. */
    List<String> grown() {
        List<String> grown = new ArrayList<>();
        series().forEach((name, values) -> {
            double[] ends = ends(values);
            // one more thread or connection may be the moment's
            if (!name.startsWith("known") && !(ends[1] <= Math.max(ends[0] * MAX_GROWTH, ends[0] + 1))) {
                grown.add(String.format(Locale.ROOT, "%s from %,.0f to %,.0f", name, ends[0], ends[1]));
            }
        });
        return grown;
    }

    /** Returns the means of the first and of the last samples. */
    private double[] ends(long[] values) {
        double[] sums = new double[2];
        int[] counts = new int[2];
        for (int i = 0; i < values.length; i++) {
            double at = samples.get(i).atSeconds;
            if (at < windowSeconds) {
                sums[0] += values[i];
                counts[0]++;
            }
            if (at >= seconds - windowSeconds) {
                sums[1] += values[i];
                counts[1]++;
            }
        }
        return new double[] {sums[0] / counts[0], sums[1] / counts[1]};
    }

    /** Returns every figure that was sampled, by name. */
    private Map<String, long[]> series() {
        Map<String, long[]> series = new TreeMap<>();
        series.put("open transactions", values(Sample::openTransactions));
        series.put("known transactional ids", values(Sample::transactionalIds));
        Set<String> names =
                samples.isEmpty() ? Set.of() : samples.get(0).processes.keySet();
        for (String p : names) {
            series.put(p + " heap bytes", values(s -> s.process(p).heapBytes()));
            series.put(p + " resident bytes", values(s -> s.process(p).residentBytes()));
            series.put(p + " threads", values(s -> s.process(p).threads()));
            series.put(p + " file descriptors", values(s -> s.process(p).fileDescriptors()));
        }
        return series;
    }

    private long[] values(ToLongFunction<Sample> figure) {
        return samples.stream().mapToLong(figure).toArray();
    }

    /** Returns all of it. */
    ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("seconds", seconds).put("window_seconds", windowSeconds).put("answers", answers.size());
        json.put("lost", lost).put("doubled", doubled).put("dead_letters", deadLetters);
        json.put("restarts", restarts);
        window(json.putObject("first_window"), first());
        window(json.putObject("last_window"), last());
        json.put("p99_ratio", p99Ratio());
        var at = json.putArray("sampled_at_seconds");
        samples.forEach(s -> at.add(Math.round(s.atSeconds)));
        ObjectNode figures = json.putObject("samples");
        series().forEach((name, values) -> {
            ObjectNode figure = figures.putObject(name.replace(' ', '_'));
            double[] ends = ends(values);
            figure.put("first_window_mean", ends[0]).put("last_window_mean", ends[1]);
            var each = figure.putArray("each");
            Arrays.stream(values).forEach(each::add);
        });
        var grown = json.putArray("grown");
        grown().forEach(grown::add);
        return json;
    }

    private void window(ObjectNode json, List<Answer> of) {
        json.put("answers_per_second", of.size() / windowSeconds);
        json.put("latency_p50_ms", percentile(of, 0.5)).put("latency_p99_ms", percentile(of, 0.99));
    }

    /** Returns it for people. */
    String text() {
        StringBuilder sb = new StringBuilder();
        sb.append(String.format(
                Locale.ROOT,
                "%,.0f s of full load, %,d answers: %d lost, %d doubled, %d dead letters, %d restarts%n"
                        + "p99 latency of the first %,.0f s %,.0f ms, of the last %,.0f ms: ratio %.3f (limit %.2f)%n",
                seconds,
                answers.size(),
                lost,
                doubled,
                deadLetters,
                restarts,
                windowSeconds,
                percentile(first(), 0.99),
                percentile(last(), 0.99),
                p99Ratio(),
                MAX_P99_RATIO));
        series().forEach((name, values) -> {
            double[] ends = ends(values);
            sb.append(String.format(
                    Locale.ROOT, "%-36s %,15.0f → %,15.0f  (%.3f)%n", name, ends[0], ends[1], ends[1] / ends[0]));
        });
        List<String> grown = grown();
        return sb.append(grown.isEmpty() ? "nothing grew" : "grew: " + String.join("; ", grown))
                .toString();
    }
}
