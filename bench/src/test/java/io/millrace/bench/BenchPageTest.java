package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.ConfigException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The page is well-formed, needs nothing else, and its points lie where the figures say. */
class BenchPageTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path temp;

    private static JsonNode run(int concurrency, double throughput, String ttft) throws Exception {
        return JSON.readTree("{\"through\":\"engine\",\"concurrency\":" + concurrency
                + ",\"peak_running\":" + concurrency + ",\"engine_output_throughput\":" + 2 * throughput
                + ",\"num_prompts\":64,\"input_len\":100,\"output_len\":1000,\"output_throughput\":" + throughput
                + ",\"mean_ttft_ms\":" + ttft + ",\"p99_ttft_ms\":9,\"mean_tpot_ms\":4,\"p99_tpot_ms\":5}");
    }

    private static Document parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void holdsCurvesTablesAndNothingToFetch() throws Exception {
        String html = new BenchPage(
                        "m<1>", List.of(run(16, 300, "7"), run(1, 25, "null")), List.of(), List.of(run(16, 200, "14")))
                .html();
        assertThat(html)
                .doesNotContain("http")
                .doesNotContain("<script")
                .doesNotContain("m<1>")
                .contains("m&lt;1&gt;");
        assertThat(html.split("<svg ", -1)).hasSize(5);
        assertThat(html)
                .contains(
                        "<td>1</td><td>1</td><td>64</td><td>100 / 1,000</td><td>25</td><td>50</td><td>50</td><td>n/a</td>")
                .contains("<td>16</td><td>16</td><td>64</td><td>100 / 1,000</td><td>300</td><td>600</td><td>37.5</td>")
                .contains("<tr><td>16</td><td>1.50</td><td>0.50</td><td>1</td></tr>")
                .contains("<tr><td>64</td><td>100 / 1,000</td><td>10.4</td><td>666</td></tr>");
    }

    @Test
    void twoWaysHaveACurveEachAndATable() {
        PairedComparison c = new PairedComparison("engine", "kafka");
        c.add(Runs.withThroughput(100), Runs.withThroughput(90));
        List<JsonNode> runs = List.of(
                ReportJson.of(c.typicalBaseline()),
                ReportJson.of(c.typicalOther()).put("through", "kafka"));
        String html = new BenchPage("m", runs, List.of(c), List.of()).html();
        assertThat(html).contains("through engine, mean", "through kafka, mean", "<th>kafka / engine</th>");
        // the last token comes after 90 ms in both
        assertThat(html)
                .contains("<tr><td>2</td><td>10 / 3</td><td>2</td><td>66.7</td><td>66.7</td><td>1.000</td><td>33.3</td>"
                        + "<td>–</td><td>–</td></tr>");
    }

    @Test
    void aLongRunShowsHowTheContextCounts() throws Exception {
        JsonNode run = JSON.readTree("{\"through\":\"engine\",\"concurrency\":3,\"tpot_by_context\":["
                + "{\"context\":100,\"median_tpot_ms\":2},{\"context\":150,\"median_tpot_ms\":2.5}]}");
        String html = new BenchPage("m", List.of(run), List.of(), List.of()).html();
        assertThat(html).contains("tokens of context", "through engine, 3 users: 2.50 at 150");
    }

    @Test
    void thePictureIsOneFileWithTheSameCurves() throws Exception {
        Document svg =
                parsed(new BenchPage("m", List.of(run(16, 300, "7"), run(1, 25, "6")), List.of(), List.of()).svg());
        assertThat(svg.getDocumentElement().getNamespaceURI()).isNull(); // the parser isn't aware of them
        assertThat(svg.getDocumentElement().getAttribute("xmlns")).isEqualTo("http://www.w3.org/2000/svg");
        NodeList charts = svg.getElementsByTagName("svg");
        assertThat(charts.getLength()).isEqualTo(1 + 4);
        assertThat(((Element) charts.item(4)).getAttribute("x")).isEqualTo("590");
        assertThat(((Element) charts.item(4)).getAttribute("y")).isEqualTo("330");
        // two points each, twice where there is a P99 too, and four that were published
        assertThat(svg.getElementsByTagName("circle").getLength()).isEqualTo(2 + (2 + 4) + 4 + 4);
    }

    @Test
    void pointsLieOnALogarithmicAndALinearAxis() throws Exception {
        double[] x = {1, 4, 16};
        double[] y = {10, Double.NaN, 40};
        Document svg = parsed(LineChart.svg("a & b", "x", List.of(new LineChart.Curve("c", "red", true, x, y))));
        NodeList points = svg.getElementsByTagName("circle");
        assertThat(points.getLength()).isEqualTo(2); // the unknown one is left out
        Element first = (Element) points.item(0);
        Element last = (Element) points.item(1);
        // 64 to 544 across; 40 is four steps of 10, the top line at 36; 0 is at 256
        assertThat(Double.parseDouble(first.getAttribute("cx"))).isEqualTo(64, within(0.05));
        assertThat(Double.parseDouble(first.getAttribute("cy"))).isEqualTo(256 - 55, within(0.05));
        assertThat(Double.parseDouble(last.getAttribute("cx"))).isEqualTo(544, within(0.05));
        assertThat(Double.parseDouble(last.getAttribute("cy"))).isEqualTo(36, within(0.05));
        Element line = (Element) svg.getElementsByTagName("polyline").item(0);
        assertThat(line.getAttribute("points")).isEqualTo("64.0,201.0 544.0,36.0");
    }

    @ParameterizedTest
    @CsvSource({"40,10", "41,20", "100,25", "0.3,0.1", "1,0.25", "0,1", "900,250", "3976,1000"})
    void fourNiceStepsReachTheLargest(double max, double step) {
        assertThat(LineChart.niceStep(max)).isEqualTo(step, within(1e-9));
    }

    @Test
    void refusesABaselineThatIsNone() throws Exception {
        Path file = temp.resolve("runs.jsonl");
        Files.writeString(file, "{\"op\":1}\n");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> BenchPage.readRuns(file))
                .withMessage("--baseline " + file + " holds no run: give a file that --output wrote");
        Files.writeString(file, "no json");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> BenchPage.readRuns(file))
                .withMessageStartingWith("--baseline " + file + " isn't what --output writes: ");
        Files.writeString(file, run(4, 8, "1") + "\n" + "{\"compare\":1}\n");
        assertThat(BenchPage.readRuns(file)).hasSize(1);
    }
}
