package io.millrace.job.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.millrace.job.watch.PrometheusText.Series;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrometheusTextTest {
    @Test
    void readsNamesLabelsAndValues() {
        String text = """
                # HELP a_total Counts "things" {x="y"} 3
                # TYPE a_total counter
                a_total 12.0

                b{} 1e3
                h_bucket{le="+Inf",path="C:\\\\x \\"y\\"\\n{z},"} 4 1700000000000
                h_sum{ le = "0.5" , } +Inf
                ns:low -Inf
                not NaN
                """;

        assertThat(PrometheusText.parse(text))
                .containsOnly(
                        entry(new Series("a_total", Map.of()), 12.0),
                        entry(new Series("b", Map.of()), 1000.0),
                        entry(new Series("h_bucket", Map.of("le", "+Inf", "path", "C:\\x \"y\"\n{z},")), 4.0),
                        entry(new Series("h_sum", Map.of("le", "0.5")), Double.POSITIVE_INFINITY),
                        entry(new Series("ns:low", Map.of()), Double.NEGATIVE_INFINITY),
                        entry(new Series("not", Map.of()), Double.NaN));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a{b=\"c\" 1", "a{b=c} 1", "a{b=\"c} 1", "a one", "1a 1", "{} 1", "<html>"})
    void namesTheLineThatIsWrong(String line) {
        assertThatThrownBy(() -> PrometheusText.parse("fine 1\n" + line + "\n"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + line + "\" is no line of");
    }
}
