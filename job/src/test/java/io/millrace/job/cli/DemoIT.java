package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class DemoIT {
    @TempDir
    Path folder;

    @Test
    void threeKillsChangeNothing() throws IOException {
        CommandRun killed = CommandRun.of(
                "",
                "demo",
                "--json",
                "--requests",
                "120",
                "--work",
                folder + "/killed",
                "--kill-at",
                "5,40,80",
                "--concurrency",
                "8",
                "--checkpoint-interval",
                "200 ms");
        CommandRun undisturbed =
                CommandRun.of("", "demo", "--json", "--requests", "120", "--work", folder + "/undisturbed");

        assertThat(killed.exitCode()).as(killed.err()).isZero();
        assertThat(undisturbed.exitCode()).as(undisturbed.err()).isZero();
        assertThat(killed.out().lines()).hasSize(1);
        assertThat(killed.json().fieldNames())
                .toIterable()
                .startsWith(
                        "requests",
                        "completions",
                        "dead_letters",
                        "lost",
                        "duplicated",
                        "accuracy",
                        "tokens_per_second",
                        "ttft_p50_ms",
                        "resumed_tokens",
                        "regenerated_tokens");
        for (JsonNode json : new JsonNode[] {killed.json(), undisturbed.json()}) {
            assertThat(json.path("completions").asInt()).isEqualTo(120);
            assertThat(json.path("dead_letters").asInt()).isZero();
            assertThat(json.path("lost").asInt()).isZero();
            assertThat(json.path("duplicated").asInt()).isZero();
            assertThat(json.path("accuracy").asDouble()).isGreaterThan(0.85);
            assertThat(json.path("tokens_per_second").asDouble()).isPositive();
            assertThat(json.path("ttft_p50_ms").asDouble()).isPositive();
        }
        assertThat(killed.json().path("kills").asInt()).isEqualTo(3);
        assertThat(killed.json().path("changed").asInt(-1)).isZero();
        assertThat(killed.json().path("resumed_tokens").asInt()).isPositive();
        assertThat(undisturbed.json().path("resumed_tokens").asInt()).isZero();
        assertThat(undisturbed.json().path("regenerated_tokens").asInt()).isZero();
        Path a = folder.resolve("killed/completions.jsonl");
        Path b = folder.resolve("undisturbed/completions.jsonl");
        assertThat(Answers.ids(a)).hasSize(120).isSorted().doesNotHaveDuplicates();
        assertThat(Answers.comparable(a)).isEqualTo(Answers.comparable(b));
        assertThat(folder.resolve("killed/millrace.log")).isNotEmptyFile();
        assertThat(folder.resolve("killed/kafka")).doesNotExist();
    }
}
