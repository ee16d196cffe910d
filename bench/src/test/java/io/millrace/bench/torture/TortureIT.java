package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.job.cli.Home;
import io.millrace.job.local.ClusterSettings;
import io.millrace.job.local.LocalCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** A short torture of real processes, in a folder whose name has a blank. */
class TortureIT {
    @TempDir
    Path folder;

    @Test
    @Timeout(600)
    void aKilledTaskManagerAndJobManagerChangeNothing() throws Exception {
        ClusterSettings settings = ClusterSettings.choose(folder.resolve("a cluster"), 2, 2, 1024);
        TortureRun.Result result =
                new TortureRun(settings, new TorturePlan(800, 400, 2, 3, 0, 1), System.err).execute(folder);
        assertThat(result.prompts()).isEqualTo(800);
        assertThat(result.lost()).isZero();
        assertThat(result.doubled()).isZero();
        assertThat(result.changed()).isZero();
        assertThat(result.kills().keySet()).contains(Kill.TASK_MANAGER);
        assertThat(result.tokensKept()).isPositive();
        assertThat(result.streamed().numRestarts()).isPositive();
        LocalCluster cluster = new LocalCluster(settings, Home.lib());
        assertThat(cluster.isUp()).isFalse();
        assertThat(cluster.processes().all()).allMatch(p -> p.find().isEmpty());
        assertThat(Files.readString(settings.logs().resolve("supervisor.log")))
                .contains("taskmanager-")
                .contains("it is started again");
    }

    @Test
    @Timeout(900)
    @EnabledIfSystemProperty(named = "millrace.full", matches = "true")
    void whatAPauseBeyondTheTransactionTimeoutLosesIsReportedAndMended() throws Exception {
        ClusterSettings settings = ClusterSettings.choose(folder.resolve("cluster"), 2, 2, 1024);
        TortureRun.Result result =
                new TortureRun(settings, new TorturePlan(1_500, 200, 0, 3, 1, 1), System.err).execute(folder);
        assertThat(result.repair().numPauses()).isOne();
        assertThat(result.repair().numReported()).isPositive();
        assertThat(result.repair().numLost()).isPositive();
        assertThat(result.repair().numRepublished()).isEqualTo(result.repair().numLost());
        assertThat(result.isClean()).as(result.toString()).isTrue();
    }
}
