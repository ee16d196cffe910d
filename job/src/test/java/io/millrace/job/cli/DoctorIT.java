package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.EmbeddedBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FeatureUpdate.UpgradeType;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command's lines and exit codes, the last with a broker whose transactions are of the version before. */
class DoctorIT {
    @TempDir
    Path folder;

    @Test
    void saysWhatIsWrongInOneLinePerCheckAndByItsExitCode() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"))) {
            broker.createTopics(1, "llm.prompts", "llm.completions", "llm.prompts.dlq");
            CommandRun fine = doctor(broker);
            assertThat(fine.exitCode()).as(fine.out() + fine.err()).isZero();
            assertThat(fine.out().lines())
                    .allMatch(l -> l.matches("(ok|warning)  .*"))
                    .anyMatch(l -> l.matches("ok       model +.*tiny-r1, \\d+ MiB of weights"))
                    .anyMatch(l -> l.startsWith("warning  optional topics       no topic llm.completions.partial: "));

            try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
                admin.updateFeatures(
                                Map.of("transaction.version", new FeatureUpdate((short) 1, UpgradeType.SAFE_DOWNGRADE)),
                                new UpdateFeaturesOptions())
                        .all()
                        .get();
            }
            CommandRun old =
                    doctor(broker, "--json", "--model", folder.resolve("none").toString());
            assertThat(old.exitCode()).isEqualTo(Main.FAILED);
            List<String> failed = old.out()
                    .lines()
                    .map(DoctorIT::json)
                    .filter(j -> j.get("verdict").asText().equals("failed"))
                    .map(j -> j.get("check").asText() + ": " + j.get("text").asText())
                    .toList();
            assertThat(failed)
                    .containsExactly(
                            "model: model folder " + folder.resolve("none")
                                    + " is no folder: give one with config.json and safetensors files",
                            "broker version: the brokers' transaction.version is 1 but must be at least 2: brokers of"
                                    + " version 4.0 or later, then kafka-features upgrade --feature"
                                    + " transaction.version=2");
        }
    }

    private static CommandRun doctor(EmbeddedBroker broker, String... more) {
        String[] args = new String[more.length + 3];
        args[0] = "doctor";
        args[1] = "--bootstrap-servers";
        args[2] = broker.bootstrapServers();
        System.arraycopy(more, 0, args, 3, more.length);
        return CommandRun.of("", args);
    }

    private static JsonNode json(String line) {
        try {
            return new ObjectMapper().readTree(line);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void looksAtThisMachineAloneWhenAsked() throws Exception {
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Files.copy(Home.tinyR1().resolve("config.json"), empty.resolve("config.json"));
        CommandRun run = CommandRun.of("", "doctor", "--no-broker", "--backend", "cuda", "--model", empty.toString());
        assertThat(run.exitCode()).isEqualTo(Main.FAILED);
        assertThat(run.out())
                .containsPattern("failed   back end +\\S+")
                .contains("has no *.safetensors file: copy the weights there")
                .doesNotContain("broker");
    }
}
