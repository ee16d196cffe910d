package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import io.millrace.operators.BatchSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobOptionsTest {
    @TempDir
    Path folder;

    @Test
    void theCommandLineWinsOverTheFileAndTheFileOverDefaults() throws IOException {
        Path file = Files.writeString(folder.resolve("c.yaml"), "max-num-seqs: 7\nthreads: 3\nbounded: true\n");

        JobOptions options =
                JobOptions.of(Map.of("threads", "1", "parallelism", "2"), file, Map.of("max-num-seqs", "9"));

        assertThat(options.get(JobOptions.MAX_NUM_SEQS)).isEqualTo(9);
        assertThat(options.get(JobOptions.THREADS)).isEqualTo(3);
        assertThat(options.get(JobOptions.PARALLELISM)).isEqualTo(2);
        assertThat(options.get(JobOptions.BOUNDED)).isTrue();
        assertThat(options.get(JobOptions.BACKEND)).isEqualTo("cpu");
        assertThat(options.values().get("max-num-seqs").origin()).isEqualTo("command line");
        assertThat(options.values().get("threads").origin()).isEqualTo(file.toString());
        assertThat(options.values().get("parallelism").origin()).isEqualTo("default");
    }

    @Test
    void readsACommandLine() {
        JobOptions options = JobOptions.parse(
                "--bounded", "--concurrency", "5", "--model=/m", "--checkpoint-interval", "500 ms", "--strict", "off");

        assertThat(options.get(JobOptions.BOUNDED)).isTrue();
        assertThat(options.get(JobOptions.STRICT)).isFalse();
        assertThat(options.get(JobOptions.MAX_NUM_SEQS)).isEqualTo(5);
        assertThat(options.get(JobOptions.MODEL)).isEqualTo("/m");
        assertThat(options.get(JobOptions.CHECKPOINT_INTERVAL)).isEqualTo(Duration.ofMillis(500));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--max-num-seqs|0|max-num-seqs is \"0\" (command line) but must be from 1 to 65536",
                "--max-num-seqs|many|max-num-seqs is \"many\" (command line) but must be a whole number",
                "--backend|tpu|backend is \"tpu\" (command line) but must be cpu or cuda",
                "--bounded|perhaps|bounded is \"perhaps\" (command line) but must be true or false",
                "--checkpoint-interval|10|checkpoint-interval is \"10\" (command line) but must be a time such as",
                "--checkpoint-interval|1 ms|checkpoint-interval is \"1 ms\" (command line) but must be at least 50 ms",
                "--max-request-bytes|9 TB|max-request-bytes is \"9 TB\" (command line) but must be",
                "--max-request-bytes|0|max-request-bytes is \"0\" (command line) but must be from 1 to 1073741824",
                "--temperature|-1|sampling default temperature is -1.0 but must be from 0.0 to 100.0",
                "--top-p|0|sampling default top_p is 0.0 but must be above 0 and at most 1.0",
                "--n|129|n is \"129\" (command line) but must be from 1 to 128",
                "--nonsense|1|there is no option --nonsense",
            })
    void refusesWithValueRangeAndOrigin(String option, String value, String message) {
        assertThatThrownBy(() -> JobOptions.parse(option, value))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void refusesWhatIsNoOption() {
        assertThatThrownBy(() -> JobOptions.parse("max-num-seqs", "3"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("\"max-num-seqs\" is no option: options look like --name VALUE");
        assertThatThrownBy(() -> JobOptions.parse("--model"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("--model needs a value");
        assertThatThrownBy(() -> JobOptions.parse().batchSettings())
                .isInstanceOf(ConfigException.class)
                .hasMessage("--model is missing: give it as DIR");
    }

    @ParameterizedTest
    @CsvSource({"1048576,1048576", "64 KiB,65536", "8MiB,8388608", "2 g,2147483648", "1_000,1000"})
    void readsBytes(String text, long bytes) {
        assertThat(JobOptions.parse("--max-in-flight-bytes", text.replace("_", ""))
                        .get(JobOptions.MAX_IN_FLIGHT_BYTES))
                .isEqualTo(bytes);
    }

    @Test
    void makesTheOperatorsSettings() {
        BatchSettings s = JobOptions.parse(
                        "--model",
                        "/m",
                        "--max-num-seqs",
                        "10",
                        "--max-tokens",
                        "9",
                        "--temperature",
                        "0.5",
                        "--seed",
                        "-3",
                        "--top-k",
                        "-1",
                        "--content-type",
                        "avro",
                        "--on-model-change",
                        "restart")
                .batchSettings();

        assertThat(s.modelFolder()).isEqualTo("/m");
        assertThat(s.maxNumSeqs()).isEqualTo(10);
        assertThat(s.maxInFlightRequests()).isEqualTo(40);
        assertThat(s.isRestartOnModelChange()).isTrue();
        assertThat(s.defaultContentType().mimeType()).isEqualTo("application/avro");
        assertThat(s.samplingDefaultsJson())
                .isEqualTo("{\"temperature\":0.5,\"max_tokens\":9,\"top_k\":-1,\"seed\":-3}");
        assertThat(JobOptions.parse("--model", "/m").batchSettings().samplingDefaultsJson())
                .isEmpty();
    }

    @Test
    void everyOptionIsDescribedAndItsDefaultIsInRange() {
        assertThat(JobOptions.ALL.stream().map(JobOption::name).collect(Collectors.toSet()))
                .hasSameSizeAs(JobOptions.ALL);
        assertThat(JobOptions.ALL).allSatisfy(o -> {
            assertThat(o.name()).matches("[a-z][a-z0-9-]*");
            assertThat(o.help()).endsWith(".");
            assertThat(o.unit()).isNotBlank();
        });
        JobOptions.parse(); // parses every default
    }

    @Test
    void whatItPrintsIsAConfigurationAgain() throws IOException {
        JobOptions options = JobOptions.parse("--model", "/m", "--max-num-seqs", "10", "--seed", "4");
        Path file = Files.writeString(folder.resolve("printed.yaml"), options.toYaml());

        JobOptions again = JobOptions.of(Map.of(), file, Map.of());

        assertThat(again.batchSettings()).isEqualTo(options.batchSettings());
        assertThat(options.toYaml())
                .containsPattern("max-num-seqs: 10 +# command line")
                .contains("# kafka-config: not set");
    }

    @Test
    void secretsAreReadButNeverPrinted() throws IOException {
        Path secrets = Files.writeString(
                folder.resolve("kafka.properties"), "sasl.jaas.config=canary-4711\nbootstrap.servers=elsewhere:1\n");

        JobOptions options = JobOptions.parse("--kafka-config", secrets.toString(), "--bootstrap-servers", "here:2");

        assertThat(options.kafkaProperties())
                .containsEntry("sasl.jaas.config", "canary-4711")
                .containsEntry("bootstrap.servers", "here:2");
        assertThat(options.toYaml()).doesNotContain("canary-4711");
    }

    @Test
    void refusesAWrongFile() throws IOException {
        Path list = Files.writeString(folder.resolve("list.yaml"), "- a\n");
        Path nested = Files.writeString(folder.resolve("nested.yaml"), "model:\n  a: b\n");
        Path unknown = Files.writeString(folder.resolve("unknown.yaml"), "modle: x\n");

        assertThatThrownBy(() -> JobOptions.parse("--config", "/none.yaml"))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("can't read --config /none.yaml");
        assertThatThrownBy(() -> JobOptions.parse("--config", list.toString()))
                .hasMessageContaining("must hold lines of the form \"name: value\"");
        assertThatThrownBy(() -> JobOptions.parse("--config", nested.toString()))
                .hasMessage("model in " + nested + " must be one value, not a list or a map");
        assertThatThrownBy(() -> JobOptions.parse("--config", unknown.toString()))
                .hasMessageStartingWith("there is no option --modle");
    }
}
