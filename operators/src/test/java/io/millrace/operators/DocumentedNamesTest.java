package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.schemas.ContentType;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

/** Every metric and header stands in the docs, and those that the docs name exist. */
class DocumentedNamesTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern QUOTED = Pattern.compile("`([a-z0-9_]+)(?:\\{[a-z_]+\\})?`");

    /** Of the sinks' committer, which module job adds. */
    private static final String LOST_COMMITS = "lost_commits_total";

    private final Set<String> ofFlink = new TreeSet<>(Set.of(LOST_COMMITS));
    private final Set<String> ofPrometheus = new TreeSet<>();
    private final Set<String> series = new TreeSet<>();

    DocumentedNamesTest() {
        new FlinkMetrics(new NamesOnly(), new EngineMetrics());
        for (MetricSnapshot s : new MetricsSnapshot(new EngineMetrics(), PipelineTotals.OF_JVM).collect()) {
            String name = s.getMetadata().getPrometheusName() + (s instanceof CounterSnapshot ? "_total" : "");
            ofPrometheus.add(name);
            series.add(name);
            if (s instanceof HistogramSnapshot) {
                series.addAll(Set.of(name + "_bucket", name + "_sum", name + "_count"));
            }
        }
    }

    /** Keeps the names that are registered. */
    private final class NamesOnly extends UnregisteredMetricsGroup {
        @Override
        public Counter counter(String name) {
            ofFlink.add(name);
            return new SimpleCounter();
        }

        @Override
        public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
            ofFlink.add(name);
            return gauge;
        }

        @Override
        public MetricGroup addGroup(String name) {
            return this;
        }

        @Override
        public MetricGroup addGroup(String key, String value) {
            return this;
        }
    }

    private static String read(String page) throws IOException {
        return Files.readString(ROOT.resolve("docs").resolve(page));
    }

    /** Names in the first column of the tables in {@code text}. */
    private static Set<String> firstColumn(String text, Pattern name) {
        return text.lines()
                .filter(l -> l.startsWith("| `"))
                .flatMap(l -> name.matcher(l.split(" \\| ", 2)[0]).results())
                .map(r -> r.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theDocsTableOfFlinksMetricsIsComplete() throws IOException {
        String page = read("operations.md");
        assertThat(firstColumn(page.substring(page.indexOf("### Of Flink")), QUOTED))
                .isEqualTo(ofFlink);
    }

    @Test
    void prometheusHasTheSameNamesAndThoseOfItsOwnTable() throws IOException {
        String page = read("operations.md");
        String section = page.substring(page.indexOf("### For Prometheus"), page.indexOf("### Alerts"));
        Set<String> expected = firstColumn(section, QUOTED);
        assertThat(expected).allMatch(n -> n.startsWith("millrace_") && n.endsWith("_seconds"));
        assertThat(section).contains("(`kept_tokens_total` and `" + LOST_COMMITS + "` only Flink has");
        ofFlink.removeAll(Set.of("kept_tokens_total", LOST_COMMITS));
        ofFlink.forEach(n -> expected.add("millrace_" + n));
        assertThat(ofPrometheus).isEqualTo(expected);
    }

    @Test
    void dashboardAlertsAndDocsAskForSeriesThatExist() throws IOException {
        Pattern ours = Pattern.compile("(?<![\\w/])millrace_[a-z0-9_]+");
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"));
                Stream<Path> monitoring = Files.walk(ROOT.resolve("examples").resolve("monitoring"))) {
            for (Path file : Stream.concat(docs, monitoring)
                    .filter(p -> p.toString().matches(".*\\.(md|json|yml|sh)"))
                    .toList()) {
                Set<String> asked = new TreeSet<>();
                ours.matcher(Files.readString(file)).results().forEach(r -> asked.add(r.group()));
                asked.remove("millrace_"); // the prefix itself
                assertThat(asked).as(file.toString()).isSubsetOf(series);
            }
        }
    }

    @Test
    void theDocsTableOfHeadersIsComplete() throws IOException {
        WireRecord prompt = new WireRecord();
        prompt.topic = "llm.prompts";
        prompt.value = new byte[8];
        Set<String> headers =
                DeadLetters.of(prompt, new RejectedException(Stage.SINK, false, "too large"), 4).headers.stream()
                        .map(h -> h.name)
                        .collect(Collectors.toCollection(TreeSet::new));
        headers.add(ContentType.HEADER);
        headers.add("__llm.republished-from"); // of module job, whose OptionsPageTest checks it
        assertThat(headers).hasSize(12);

        String page = read("wire-format.md");
        assertThat(firstColumn(
                        page.substring(page.indexOf("## Headers"), page.indexOf("## Avro")),
                        Pattern.compile("`([a-z_.-]+)`")))
                .isEqualTo(headers);
        assertThat(page)
                .contains("where it failed: "
                        + Arrays.stream(Stage.values())
                                .map(s -> "`" + s.wireName() + "`")
                                .collect(Collectors.joining(", "))
                                .replace(", `sink`", " or `sink`"));
    }
}
