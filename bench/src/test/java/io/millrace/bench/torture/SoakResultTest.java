package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;

class SoakResultTest {
    private static final int SECONDS = 3_600;

    /** An answer a second, a sample a minute. */
    private static SoakResult result(IntToLongFunction latencyMs, IntToLongFunction heapBytes, int lost) {
        List<SoakResult.Answer> answers = new ArrayList<>();
        for (int s = 0; s < SECONDS; s++) {
            answers.add(new SoakResult.Answer(s, latencyMs.applyAsLong(s)));
        }
        List<SoakResult.Sample> samples = new ArrayList<>();
        for (int s = 0; s < SECONDS; s += 60) {
            ProcessSample broker = new ProcessSample(heapBytes.applyAsLong(s), 1_000, 50, 100);
            samples.add(new SoakResult.Sample(s, Map.of("broker", broker), 4, s));
        }
        return new SoakResult(SECONDS, 600, answers, samples, lost, 0, 0, 0);
    }

    @Test
    void whatStaysTheSameIsClean() {
        SoakResult r = result(s -> 100, s -> 1_000, 0);
        assertThat(r.isClean()).isTrue();
        assertThat(r.p99Ratio()).isEqualTo(1);
        assertThat(r.text()).contains("3,600 answers: 0 lost", "nothing grew");
        assertThat(r.json()
                        .at("/samples/known_transactional_ids/last_window_mean")
                        .asLong())
                .as("grows by design, is shown and not judged")
                .isGreaterThan(3_000);
        assertThat(r.json().at("/first_window/answers_per_second").asDouble()).isEqualTo(1);
    }

    @Test
    void aLostAnswerIsNotClean() {
        assertThat(result(s -> 100, s -> 1_000, 1).isClean()).isFalse();
    }

    @Test
    void onlyTheSlowestHundredthOfTheEndsIsCompared() {
        SoakResult seldom = result(s -> s == 3_599 || s == 1_800 ? 9_000 : 100, s -> 1_000, 0);
        assertThat(seldom.p99Ratio()).isEqualTo(1);
        SoakResult often = result(s -> s >= 3_000 && s % 50 == 0 ? 112 : 100, s -> 1_000, 0);
        assertThat(often.p99Ratio()).isCloseTo(1.12, within(1e-9));
        assertThat(often.isClean()).isFalse();
        assertThat(often.grown()).isEmpty();
    }

    @Test
    void aHeapThatGrowsIsNamed() {
        SoakResult r = result(s -> 100, s -> 1_000_000 + 100L * s, 0);
        assertThat(r.isClean()).isFalse();
        assertThat(r.grown()).singleElement().asString().startsWith("broker heap bytes from 1,027,000 to 1,327,000");
        assertThat(result(s -> 100, s -> 1_000_000 + 10L * s, 0).isClean())
                .as("3 %")
                .isTrue();
    }
}
