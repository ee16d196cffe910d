package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class CardTest {
    /** A row whose attempts have these lengths; the first right one is the last. */
    private static RowResult row(int index, boolean isRight, int... tokens) {
        List<JudgedSample> samples = new ArrayList<>();
        for (int i = 0; i < tokens.length; i++) {
            boolean isCorrect = isRight && i == tokens.length - 1;
            Sample sample = new Sample(i, 9, "stop", null, "c", 7, tokens[i]);
            samples.add(new JudgedSample(sample, isCorrect, isCorrect, null, isCorrect ? null : "no"));
        }
        return new RowResult(index, "f", index + 1, "i" + index, "p", "a", null, samples, null, false);
    }

    private static Tally tally() {
        Tally t = new Tally();
        t.add(row(0, true, 10));
        t.add(row(1, true, 50, 60));
        t.add(row(2, false, 5, 5, 5, 5));
        t.add(row(3, true, 1, 1, 100));
        t.add(RowResult.bad(new Row(4, "f", 5, null, "bad"), new RowError("decode", "bad", false)));
        return t;
    }

    @Test
    void passAtKCountsTheFirstKOfEachRow() {
        Tally t = tally();

        assertThat(t.passTable()).isEqualTo(Map.of(1, 0.25, 2, 0.5, 4, 0.75));
        assertThat(t.passAt(5)).isEqualTo(1.0); // row 2 had four chances only: unknown
        assertThat(new Tally().passAt(1)).isNaN();
    }

    @Test
    void saysWhereItComesFromAndWhatIsInIt() {
        DatasetPlan plan = new DatasetPlan(
                new Columns(new PromptTemplate("{q} | `x`\n?"), null, "a", null),
                new RowPolicy(1, 1, 4, false),
                "boxed",
                Duration.ofSeconds(10),
                0,
                5,
                100,
                null,
                0.8,
                false);
        Provenance provenance = new Provenance("tiny", "abc", "cpu", "temperature=1", "millrace generate --x");

        String card = Card.of("out", ".jsonl", plan, provenance, tally(), 3);

        assertThat(card)
                .startsWith("---\nconfigs:\n- config_name: default\n  data_files: data-*.jsonl\n---\n# out\n")
                .contains("3 samples of `tiny` for 5 rows")
                .contains("| model hash | `abc` |")
                .contains("| prompt template | `` {q} \\| `x`\\n? `` |")
                .contains("| verify | `boxed` |")
                .contains("```sh\nmillrace generate --x\n```")
                .contains("| bad rows (`errors-*`) | 1 |")
                .contains("| rows that it left out | 3 |")
                .contains("| tokens generated | 242 |")
                .contains("| samples that are correct | 30.00 % |")
                .contains("(pass@4) | 75.00 % |")
                .contains("| 0 | 1 |\n| 1 | 3 |")
                .contains("| 100.00 % | 108 |") // 100 is in 91 to 107
                .doesNotContain("prompt column");
    }

    @Test
    void bucketsHoldWhatTheirLabelsSay() {
        for (int tokens = 1; tokens < 5000; tokens++) {
            int bucket = Tally.lengthBucket(tokens);
            assertThat(tokens)
                    .isGreaterThanOrEqualTo(LengthPlot.firstTokens(bucket))
                    .isLessThan(LengthPlot.firstTokens(bucket + 1));
        }
    }

    @Test
    void thePlotIsSvgWithABarPerBucket() throws Exception {
        String svg = LengthPlot.svg(Map.of(13, 1L, 22, 4L));

        var root = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(svg)))
                .getDocumentElement();
        assertThat(root.getElementsByTagName("rect").getLength()).isEqualTo(22 - 12 + 1);
        assertThat(svg).contains("46 to 53 tokens: 4");
        assertThat(LengthPlot.svg(Map.of())).contains("</svg>");
    }
}
