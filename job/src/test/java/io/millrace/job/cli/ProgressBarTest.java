package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    @Test
    void showsWhatIsGoingOn() {
        EngineMetrics m = new EngineMetrics();
        m.generationTokens.add(1000);
        m.numRequestsRunning.set(64);
        m.numRequestsWaiting.set(12);
        m.usedPages.set(1);
        m.totalPages.set(4);

        assertThat(new ProgressBar(null, 200).line(50, 34.4, 2, m))
                .isEqualTo(
                        "▕██████                  ▏ 50/200  500 tok/s  TTFT 34 ms  running 64 waiting 12  KV 25 %  ETA 0:06");
        assertThat(new ProgressBar(null, 0).line(50, Double.NaN, 2, m))
                .isEqualTo("50  500 tok/s  running 64 waiting 12  KV 25 %");
    }

    @Test
    void showsHowFarTheModelIsLoaded() {
        EngineMetrics m = new EngineMetrics();
        m.loadedBytes.set(335_000_000);
        m.bytesToLoad.set(1_340_000_000);
        ProgressBar bar = new ProgressBar(null, 200);
        assertThat(bar.line(0, Double.NaN, 2, m)).isEqualTo("▕██████                  ▏ loading 0.34 of 1.34 GB");
        m.loadedBytes.set(1_340_000_000);
        assertThat(bar.line(0, Double.NaN, 2, m)).isEqualTo("▕████████████████████████▏ loaded, warming up");
    }

    @Test
    void isSilentWithoutATerminal() {
        ProgressBar bar = new ProgressBar(null, 200);
        bar.update(1, 1);
        bar.clear();
    }

    @Test
    void erasesItself() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ProgressBar bar = new ProgressBar(new PrintStream(out, true, UTF_8), 10);
        bar.clear();
        assertThat(out.size()).isZero();
        bar.update(1, 1);
        bar.update(2, 1); // too early to draw again
        bar.clear();
        assertThat(out.toString(UTF_8))
                .startsWith("\r\u001b[K▕")
                .endsWith("\r\u001b[K")
                .doesNotContain("2/10");
    }
}
