package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.EngineHost;
import io.millrace.job.EmbeddedFlink;
import io.millrace.job.JobOptions;
import io.millrace.job.MillraceJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class ClusterDatasetIT {
    private static final int ROWS = 60;

    @TempDir
    Path folder;

    @Test
    void killedOnTheWayItHasTheRowsOfOneProcess() throws Exception {
        Path tiny = model();
        List<String> problems = Files.readAllLines(tiny.resolve("eval.jsonl")).subList(0, ROWS);
        Files.createDirectory(folder.resolve("in"));
        Files.write(folder.resolve("in/a.jsonl"), problems);
        Files.writeString(folder.resolve("in/b.jsonl"), "{\"answer\":\"1\"}\nno json\n");
        JobOptions options = JobOptions.parse(
                "--model",
                tiny.toString(),
                "--parallelism",
                "2",
                "--max-tokens",
                "90",
                "--concurrency",
                "16",
                "--checkpoint-interval",
                "200 ms",
                "--checkpoint-dir",
                folder.resolve("checkpoints").toUri().toString());
        DatasetPlan plan = new DatasetPlan(
                new Columns(null, null, "answer", null),
                new RowPolicy(1, 2, 4, false),
                "boxed",
                Duration.ofSeconds(5),
                0,
                3,
                1000,
                null,
                0,
                true);

        long before = EngineHost.metrics().finished();
        try (EmbeddedFlink flink = EmbeddedFlink.start(
                MillraceJob.flinkSettings(options),
                env -> ClusterDataset.build(env, plan, options.batchSettings(), folder + "/in", folder + "/cluster"),
                null)) {
            while (EngineHost.metrics().finished() - before < ROWS / 2) {
                Thread.sleep(20);
            }
            flink.killTaskManager();
            assertThat(flink.result().join().getSerializedThrowable()).isEmpty();
            assertThat(flink.status()).isEqualTo(JobStatus.FINISHED);
        }
        try (OutputFolder out = OutputFolder.open(folder.resolve("local"), false)) {
            new Dataset(InputFiles.of(folder.resolve("in")), out, plan)
                    .make(options.batchSettings(), ROWS + 2, "test", done -> {});
        }

        for (String kind : List.of("data", "errors", "rejected")) {
            List<String> cluster = lines(folder.resolve("cluster").resolve(kind), "part-");
            assertThat(cluster)
                    .as(kind)
                    .isNotEmpty()
                    .containsExactlyInAnyOrderElementsOf(lines(folder.resolve("local"), kind));
        }
    }

    @Test
    void whatNeedsOneProcessIsRefused() {
        assertThatThrownBy(() -> ClusterDataset.main(
                        new String[] {"--input", "x", "--output", "y", "--model", "m", "--dedup", "--prompt-column", "q"
                        }))
                .hasMessageStartingWith("--dedup isn't there on a cluster");
        assertThatThrownBy(() -> ClusterDataset.main(
                        new String[] {"--input", "x", "--output", "y", "--model", "m", "--verify", "box"}))
                .hasMessageStartingWith("--verify is \"box\" but must be boxed");
        assertThatThrownBy(() -> ClusterDataset.main(new String[] {"--input", "x", "--prompt-column", "q"}))
                .hasMessageContaining("--output");
        assertThatThrownBy(() ->
                        ClusterDataset.main(new String[] {"--input", "x", "--output", "y", "--no-such-option", "q"}))
                .hasMessageContaining("there is no option --no-such-option");
    }

    private static Path model() {
        Path here = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(here.resolve("models/tiny-r1"))) {
            here = here.getParent();
        }
        return here.resolve("models/tiny-r1");
    }

    private static List<String> lines(Path folder, String prefix) throws IOException {
        List<String> lines = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path f : files.filter(f -> f.getFileName().toString().startsWith(prefix))
                    .toList()) {
                lines.addAll(Files.readAllLines(f));
            }
        }
        return lines;
    }
}
