package io.millrace.job.watch;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The text that Prometheus scrapes: {@code name{label="value",…} number}, one a line. Timestamps and exemplars are left out. Any thread.
 *
 * @see <a href="https://prometheus.io/docs/instrumenting/exposition_formats/">Exposition formats</a>
 */
final class PrometheusText {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
    private static final Pattern LABEL =
            Pattern.compile("\\s*([a-zA-Z_][a-zA-Z0-9_]*)\\s*=\\s*\"((?:[^\"\\\\]|\\\\.)*)\"\\s*(?:,\\s*)?");
    private static final Pattern VALUE = Pattern.compile("\\s*(\\S+)(?:\\s.*)?");

    private PrometheusText() {}

    /**
     * One time series.
     *
     * @param labels by name, in the names' order
     */
    record Series(String name, Map<String, String> labels) {}

    /**
     * Parses a scrape.
     *
     * @throws IllegalArgumentException with the line that isn't of the format
     */
    static Map<Series, Double> parse(String text) {
        Map<Series, Double> values = new LinkedHashMap<>();
        text.lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(line -> sample(line.strip(), values));
        return values;
    }

    private static void sample(String line, Map<Series, Double> values) {
        Matcher name = NAME.matcher(line);
        if (!name.lookingAt()) {
            throw wrong(line, null);
        }
        int at = name.end();
        Map<String, String> labels = new TreeMap<>();
        if (at < line.length() && line.charAt(at) == '{') {
            at++;
            Matcher label = LABEL.matcher(line);
            while (label.region(at, line.length()).lookingAt()) {
                labels.put(label.group(1), unescape(label.group(2)));
                at = label.end();
            }
            if (at >= line.length() || line.charAt(at) != '}') {
                throw wrong(line, null);
            }
            at++;
        }
        Matcher value = VALUE.matcher(line).region(at, line.length());
        if (!value.matches()) {
            throw wrong(line, null);
        }
        values.put(new Series(name.group(), labels), number(value.group(1), line));
    }

    private static double number(String text, String line) {
        try {
            return switch (text) {
                case "+Inf" -> Double.POSITIVE_INFINITY;
                case "-Inf" -> Double.NEGATIVE_INFINITY;
                default -> Double.parseDouble(text);
            };
        } catch (NumberFormatException e) {
            throw wrong(line, e);
        }
    }

    private static String unescape(String text) {
        StringBuilder sb = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                c = text.charAt(++i);
                c = c == 'n' ? '\n' : c;
            }
            sb.append(c);
        }
        return sb.toString();
    }

    private static IllegalArgumentException wrong(String line, @Nullable Exception cause) {
        return new IllegalArgumentException("\"" + line + "\" is no line of Prometheus' text format", cause);
    }
}
