package io.millrace.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Runs over their concurrency as one HTML file, with nothing to fetch: curves, a table, an earlier result file beside them, and what was
 * published of SGLang.
 */
final class BenchPage {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Of each way: its curve, and that of its 99th percentile. */
    private static final String[][] COLORS = {{"#1f6feb", "#9a6700"}, {"#1a7f37", "#cf222e"}};

    private static final String[] GROWTH_COLORS = {
        "#1f6feb", "#1a7f37", "#9a6700", "#cf222e", "#8250df", "#bf3989", "#0a7ea4", "#57606a"
    };
    private static final String PUBLISHED = "#6e7781";
    private static final String[] COLUMNS = {
        "Through",
        "Users",
        "Running at once",
        "Prompts",
        "Tokens in / out",
        "tok/s",
        "tok/s to the last token",
        "tok/s per user",
        "Mean TTFT ms",
        "P99 TTFT ms",
        "Mean TPOT ms",
        "P99 TPOT ms",
    };
    private final String model;
    private final List<JsonNode> runs;
    private final List<PairedComparison> comparisons;
    private final List<JsonNode> baseline;

    /**
     * Makes a page.
     *
     * @param runs as {@link ReportJson} writes them; through one way or two
     * @param comparisons of the two ways, or none
     * @param baseline earlier ones, or none
     */
    BenchPage(String model, List<JsonNode> runs, List<PairedComparison> comparisons, List<JsonNode> baseline) {
        this.model = model;
        this.runs = sorted(runs);
        this.comparisons = comparisons;
        this.baseline = sorted(baseline);
    }

    /**
     * Reads the JSON lines that {@code --output} wrote.
     *
     * @throws ConfigException if they are none, or none of them is a run
     */
    static List<JsonNode> readRuns(Path file) {
        List<JsonNode> runs = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file)) {
                JsonNode json = JSON.readTree(line);
                if (json.path("concurrency").isInt()
                        && json.path("output_throughput").isNumber()) {
                    runs.add(json);
                }
            }
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    "--baseline " + file + " isn't what --output writes: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ConfigException("can't read --baseline " + file + ": " + e, e);
        }
        if (runs.isEmpty()) {
            throw new ConfigException("--baseline " + file + " holds no run: give a file that --output wrote");
        }
        return runs;
    }

    private static List<JsonNode> sorted(List<JsonNode> runs) {
        return runs.stream()
                .sorted(Comparator.comparingInt(r -> r.path("concurrency").asInt()))
                .toList();
    }

    String html() {
        return """
                <!DOCTYPE html>
                <html lang="en"><head><meta charset="utf-8"><title>millrace bench: %s</title><style>
                body { font: 15px/1.5 sans-serif; color: #1f2328; background: #fff; max-width: 1180px; margin: 2em auto; padding: 0 1em }
                .charts { display: flex; flex-wrap: wrap; gap: 1em }
                svg { width: 560px; max-width: 100%%; font: 12px sans-serif; fill: #1f2328 }
                .title { font-weight: bold; font-size: 14px } .grid { stroke: #d0d7de } .x { text-anchor: middle } .y { text-anchor: end }
                table { border-collapse: collapse; margin: 1em 0 } th, td { border: 1px solid #d0d7de; padding: .2em .7em; text-align: right }
                </style></head><body>
                <h1>millrace bench: %s</h1>
                <div class="charts">
                """.formatted(Html.escaped(model), Html.escaped(model))
                + String.join("", charts())
                + "</div>\n"
                + comparisonTable()
                + "<h2>Runs</h2>\n"
                + runTable(runs)
                + besideBaseline()
                + sglang()
                + "</body></html>\n";
    }

    /** Returns the curves alone, as a picture that a page of docs can show. */
    String svg() {
        List<String> charts = charts();
        int height = 320 * ((charts.size() + 1) / 2);
        StringBuilder out = new StringBuilder("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1160 %1$d" font-family="sans-serif" font-size="12" fill="#1f2328">
                <style>.title { font-weight: bold; font-size: 14px } .grid { stroke: #d0d7de } .x { text-anchor: middle } .y { text-anchor: end }</style>
                <rect width="1160" height="%1$d" fill="#fff"/>
                """.formatted(height));
        for (int i = 0; i < charts.size(); i++) {
            String place = "<svg x=\"" + (10 + (i % 2) * 580) + "\" y=\"" + (10 + (i / 2) * 320)
                    + "\" width=\"560\" height=\"300\" ";
            out.append(charts.get(i).replaceFirst("<svg ", place));
        }
        return out.append("</svg>\n").toString();
    }

    private List<String> charts() {
        List<String> charts = new ArrayList<>();
        charts.add(LineChart.svg(
                "Output throughput to the last token, tok/s", "concurrency", curves("engine_output_throughput", null)));
        charts.add(perUserChart());
        charts.add(chart("Time to first token, ms", "mean_ttft_ms", "p99_ttft_ms"));
        charts.add(chart("Time per output token, ms", "mean_tpot_ms", "p99_tpot_ms"));
        growthCurves(charts);
        return charts;
    }

    private String chart(String title, String key, String tailKey) {
        return LineChart.svg(title, "concurrency", curves(key, tailKey));
    }

    /** Adds a chart with a curve for each run that is long enough to show how the context counts, if there is one. */
    private void growthCurves(List<String> charts) {
        List<LineChart.Curve> curves = new ArrayList<>();
        for (JsonNode run : runs) {
            JsonNode points = run.path("tpot_by_context");
            if (points.size() > 1) {
                double[] x = new double[points.size()];
                double[] y = new double[points.size()];
                Arrays.setAll(x, i -> points.get(i).path("context").asDouble());
                Arrays.setAll(y, i -> points.get(i).path("median_tpot_ms").asDouble(Double.NaN));
                String name = through(run) + ", " + run.path("concurrency").asText() + " users";
                curves.add(new LineChart.Curve(name, GROWTH_COLORS[curves.size() % GROWTH_COLORS.length], false, x, y));
            }
        }
        if (!curves.isEmpty()) {
            charts.add(LineChart.svg("Median time per output token, ms", "tokens of context", curves));
        }
    }

    /** Returns a curve for each way, and one for what it is compared with. */
    private List<LineChart.Curve> curves(String key, @Nullable String tailKey) {
        List<String> ways = runs.stream().map(BenchPage::through).distinct().toList();
        List<LineChart.Curve> curves = new ArrayList<>();
        for (int i = 0; i < ways.size(); i++) {
            String way = ways.get(i);
            String[] colors = COLORS[i % COLORS.length];
            List<JsonNode> ofWay =
                    runs.stream().filter(r -> through(r).equals(way)).toList();
            curves.add(curve(way + (tailKey == null ? "" : ", mean"), colors[0], false, ofWay, key));
            if (tailKey != null) {
                curves.add(curve(way + ", P99", colors[1], false, ofWay, tailKey));
            }
        }
        if (!baseline.isEmpty()) {
            curves.add(curve(tailKey == null ? "baseline" : "baseline, mean", COLORS[0][0], true, baseline, key));
        }
        return curves;
    }

    private String perUserChart() {
        List<LineChart.Curve> curves = new ArrayList<>();
        for (LineChart.Curve c : curves("engine_output_throughput", null)) {
            double[] perUser = new double[c.y().length];
            Arrays.setAll(perUser, i -> c.y()[i] / c.x()[i]);
            curves.add(new LineChart.Curve(c.name(), c.color(), c.isDashed(), c.x(), perUser));
        }
        curves.add(new LineChart.Curve(
                PublishedServing.SOURCE,
                PUBLISHED,
                true,
                PublishedServing.ALL.stream()
                        .mapToDouble(PublishedServing::users)
                        .toArray(),
                PublishedServing.ALL.stream()
                        .mapToDouble(PublishedServing::perUser)
                        .toArray()));
        return LineChart.svg("Output throughput per user, tok/s", "concurrency", curves);
    }

    private static String through(JsonNode run) {
        return "through " + run.path("through").asText();
    }

    private String comparisonTable() {
        if (comparisons.isEmpty()) {
            return "";
        }
        StringBuilder out = new StringBuilder("<h2>Interleaved pairs</h2>\n<p>")
                .append(Html.escaped(ComparisonTable.NOTE))
                .append("</p>\n<table>");
        row(out, "th", ComparisonTable.header(comparisons));
        comparisons.forEach(c -> row(out, "td", ComparisonTable.row(c)));
        return out.append("</table>\n").toString();
    }

    private static LineChart.Curve curve(String name, String color, boolean isDashed, List<JsonNode> runs, String key) {
        return new LineChart.Curve(
                name,
                color,
                isDashed,
                runs.stream().mapToDouble(r -> r.path("concurrency").asDouble()).toArray(),
                runs.stream().mapToDouble(r -> r.path(key).asDouble(Double.NaN)).toArray());
    }

    private static String runTable(List<JsonNode> runs) {
        StringBuilder out = new StringBuilder("<table>");
        row(out, "th", COLUMNS);
        for (JsonNode r : runs) {
            double throughput = r.path("engine_output_throughput").asDouble(Double.NaN);
            row(
                    out,
                    "td",
                    r.path("through").asText(),
                    number(r, "concurrency"),
                    number(r, "peak_running"),
                    number(r, "num_prompts"),
                    number(r, "input_len") + " / " + number(r, "output_len"),
                    number(r, "output_throughput"),
                    number(throughput),
                    number(throughput / r.path("concurrency").asInt()),
                    number(r, "mean_ttft_ms"),
                    number(r, "p99_ttft_ms"),
                    number(r, "mean_tpot_ms"),
                    number(r, "p99_tpot_ms"));
        }
        return out.append("</table>\n").toString();
    }

    /** Ratios for the concurrencies that both files have. */
    private String besideBaseline() {
        if (baseline.isEmpty()) {
            return "";
        }
        StringBuilder out = new StringBuilder("<h2>Baseline</h2>\n").append(runTable(baseline));
        out.append("<h2>This run / baseline</h2>\n<table>");
        row(out, "th", "Users", "tok/s", "Mean TTFT", "Mean TPOT");
        for (JsonNode r : runs) {
            Optional<JsonNode> other = baseline.stream()
                    .filter(b -> b.path("concurrency").equals(r.path("concurrency")))
                    .findFirst();
            other.ifPresent(b -> row(
                    out,
                    "td",
                    number(r, "concurrency"),
                    ratio(r, b, "output_throughput"),
                    ratio(r, b, "mean_ttft_ms"),
                    ratio(r, b, "mean_tpot_ms")));
        }
        return out.append("</table>\n").toString();
    }

    private static String ratio(JsonNode r, JsonNode b, String key) {
        double ratio = r.path(key).asDouble(Double.NaN) / b.path(key).asDouble(Double.NaN);
        return Double.isFinite(ratio) ? LineChart.label(ratio) : "n/a";
    }

    private static String sglang() {
        StringBuilder out = new StringBuilder("<h2>For orientation: " + PublishedServing.SOURCE + "</h2>\n")
                .append(
                        "<p>Published figures of another machine and, unless this is that model, of another model. The total is users ×")
                .append(" tok/s per user; at 1,024 users the total was published.</p>\n<table>");
        row(out, "th", "Users", "Tokens in / out", "tok/s per user", "tok/s");
        for (PublishedServing p : PublishedServing.ALL) {
            row(
                    out,
                    "td",
                    LineChart.label(p.users()),
                    LineChart.label(p.inputTokens()) + " / " + LineChart.label(p.outputTokens()),
                    LineChart.label(p.perUser()),
                    LineChart.label(p.total()));
        }
        return out.append("</table>\n").toString();
    }

    private static String number(JsonNode r, String key) {
        return number(r.path(key).asDouble(Double.NaN));
    }

    private static String number(double value) {
        return Double.isFinite(value) ? LineChart.label(value) : "n/a";
    }

    private static void row(StringBuilder out, String tag, String... cells) {
        out.append("<tr>");
        for (String cell : cells) {
            out.append('<').append(tag).append('>').append(Html.escaped(cell));
            out.append("</").append(tag).append('>');
        }
        out.append("</tr>\n");
    }
}
