package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.job.local.ClusterSettings;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The soak's machinery, for half a minute: too short to say anything about growth. */
@EnabledIfSystemProperty(named = "millrace.full", matches = "true")
class SoakIT {
    @TempDir
    Path folder;

    @Test
    @Timeout(300)
    void everythingIsSampledAndNothingLost() throws Exception {
        ClusterSettings settings = ClusterSettings.choose(folder.resolve("cluster"), 2, 2, 1024);
        SoakResult r = new Soak(settings, Duration.ofSeconds(30), 60, 1, System.err).execute();
        System.err.println(r.text());
        assertThat(r.answers()).hasSizeGreaterThan(100);
        assertThat(r.lost()).isZero();
        assertThat(r.doubled()).isZero();
        assertThat(r.deadLetters()).isZero();
        assertThat(r.restarts()).isZero();
        assertThat(r.p99Ratio()).isPositive().isLessThan(10);
        assertThat(r.samples()).hasSizeGreaterThan(2).allSatisfy(s -> {
            assertThat(s.processes())
                    .containsOnlyKeys("broker", "zookeeper", "jobmanager", "taskmanager-1", "taskmanager-2");
            assertThat(s.processes().values()).allMatch(p -> p.heapBytes() > 1 << 20 && p.threads() > 5);
        });
        assertThat(r.samples()).anyMatch(s -> s.openTransactions() > 0);
    }
}
