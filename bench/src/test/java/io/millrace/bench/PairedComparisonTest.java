package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ratios of pairs, their median and its interval. */
class PairedComparisonTest {
    @Test
    void medianOfThePairsRatios() {
        PairedComparison c = new PairedComparison("engine", "kafka");
        c.add(Runs.withThroughput(100), Runs.withThroughput(90));
        c.add(Runs.withThroughput(200), Runs.withThroughput(198));
        c.add(Runs.withThroughput(50), Runs.withThroughput(47.5));
        ObjectNode json = c.json();
        assertThat(json.get("compare").asText()).isEqualTo("kafka/engine");
        assertThat(json.get("pairs").asInt()).isEqualTo(3);
        assertThat(json.get("output_throughput_ratio").asDouble()).isEqualTo(0.95, within(1e-6));
        assertThat(json.get("output_throughput_ratio_low").asDouble()).isEqualTo(0.90, within(1e-6));
        assertThat(json.get("output_throughput_ratio_high").asDouble()).isEqualTo(0.99, within(1e-6));
        assertThat(json.get("decode_tokens_per_second_ratio").asDouble()).isEqualTo(1, within(1e-9));
        assertThat(c.text()).startsWith("kafka / engine at 2, 3 interleaved pairs: median [95 % interval]");
    }

    @Test
    void tableStandsBesideWhatWasPublished() {
        PairedComparison c = new PairedComparison("engine", "kafka");
        c.add(Runs.ofShape(64, 100, 1000, 100), Runs.ofShape(64, 100, 1000, 200));
        c.add(Runs.ofShape(64, 100, 1000, 80), Runs.ofShape(64, 100, 1000, 120));
        c.add(Runs.ofShape(64, 100, 1000, 90), Runs.ofShape(64, 100, 1000, 180));
        // tokens per second: 6 in so many milliseconds; ratios 0.5, 0.667, 0.5
        assertThat(ComparisonTable.text(List.of(c))).isEqualTo("""
                        Users  Tokens in / out  Running at once  engine tok/s  kafka tok/s  kafka / engine  kafka tok/s per user  Published tok/s  Published per user
                           64      100 / 1,000                2          66.7         33.3           0.500                  0.52              666                10.4
                        """ + ComparisonTable.NOTE + "\n");
        assertThat(c.json().get("least_peak_running").asInt()).isEqualTo(2);
        assertThat(c.json().get("other_engine_output_throughput").asDouble()).isEqualTo(6 / 0.18, within(1e-6));
    }

    @Test
    void theIntervalOfManyIsThatOfOrderStatistics() {
        double[] values = new double[101];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        PairedComparison.Interval interval = PairedComparison.interval(values);
        assertThat(interval.median()).isEqualTo(50);
        // the median of 101 lies with 95 % between the order statistics 50.5 ± 1.96 · √101 / 2, from 1: 41 and 60
        assertThat(interval.low()).isBetween(38.0, 42.0);
        assertThat(interval.high()).isBetween(58.0, 62.0);
        assertThat(PairedComparison.interval(values)).isEqualTo(interval);
    }

    @Test
    void nothingMeasuredIsNoNumber() {
        assertThat(PairedComparison.interval(new double[0]).median()).isNaN();
    }
}
