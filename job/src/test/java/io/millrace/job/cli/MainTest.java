package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "demo --requests",
                "demo --requests 0",
                "demo --requests 10 --kill-at 10",
                "demo --max-num-seqs 0",
                "demo --model /none",
                "generate",
                "generate --input /none.jsonl --output /tmp/x.jsonl",
                "generate --input /none.jsonl --output /none/x.jsonl",
                "generate --input x --output y --temperature 101",
                "publish /none.jsonl",
                "consume --max 0",
                "dlq list --max 0",
                "dlq show nonsense",
                "reconcile --older-than -1",
                "tokenize --model /none",
                "model inspect /none",
                "model nonsense"
            })
    void wrongUsageIsOneLineAndExitCodeTwo(String line) {
        CommandRun run = CommandRun.of("", line.split(" "));

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines().filter(l -> !l.startsWith("try: "))).hasSize(1);
        assertThat(run.err()).startsWith("millrace").doesNotContain("\tat ");
    }

    @Test
    void verboseShowsTheTrace() {
        assertThat(CommandRun.of("", "model", "inspect", "/none", "--verbose").exitCode())
                .isEqualTo(2);
        assertThat(CommandRun.of("", "tokenize", "--model", "/none", "--verbose")
                        .err())
                .contains("\tat io.millrace");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "demo",
                "generate",
                "publish",
                "consume",
                "dlq",
                "dlq list",
                "dlq show",
                "dlq replay",
                "reconcile",
                "top",
                "tokenize",
                "detokenize",
                "model",
                "model inspect",
                "model hash",
                "model synthesize"
            })
    void everyCommandHasHelp(String command) {
        CommandRun run = CommandRun.of("", (command + " --help").split(" "));

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).startsWith("Usage: millrace " + command);
    }

    @Test
    void gpuMemoryWithoutGpusIsRefused() {
        CommandRun run = CommandRun.of("", "model", "inspect", "--gpu-memory", "80GB");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .contains("gpu-memory is 80GB but gpus isn't given: add --gpus N, or leave gpu-memory out");
    }

    @Test
    void printConfigShowsWhereValuesComeFrom() {
        CommandRun run = CommandRun.of("", "demo", "--print-config", "--concurrency", "3");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .containsPattern("max-num-seqs: 3 +# command line")
                .containsPattern("bounded: false +# default");
    }

    @Test
    void tokenizesAndBack() {
        CommandRun ids = CommandRun.of("{\"text\":\"Add 42 and 4.\",\"other\":1}\n{\"text\":\"\"}\n", "tokenize");

        assertThat(ids.exitCode()).isZero();
        assertThat(ids.out()).isEqualTo("[35, 70, 70, 223, 22, 20, 266, 70, 223, 22, 16]\n[]\n");
        CommandRun texts = CommandRun.of(ids.out(), "detokenize");
        assertThat(texts.out()).isEqualTo("{\"text\":\"Add 42 and 4.\"}\n{\"text\":\"\"}\n");
    }

    @Test
    void tokenizesAsTheGoldensSay() throws IOException {
        ObjectMapper json = new ObjectMapper();
        StringBuilder input = new StringBuilder();
        StringBuilder special = new StringBuilder();
        StringBuilder plain = new StringBuilder();
        for (String line : Files.readAllLines(Home.tinyR1().resolve("tokenizer-goldens.jsonl"))) {
            JsonNode golden = json.readTree(line);
            input.append(line).append('\n');
            special.append(Arrays.toString(json.convertValue(golden.path("ids"), int[].class)))
                    .append('\n');
            plain.append(Arrays.toString(json.convertValue(golden.path("ids_plain"), int[].class)))
                    .append('\n');
        }

        assertThat(CommandRun.of(input.toString(), "tokenize").out()).isEqualTo(special.toString());
        assertThat(CommandRun.of(input.toString(), "tokenize", "--no-special").out())
                .isEqualTo(plain.toString());
    }

    @Test
    void theChatTemplateIsTheModelsOwn() throws IOException {
        JsonNode golden = new ObjectMapper()
                .readTree(Files.readAllLines(Home.tinyR1().resolve("goldens.jsonl"))
                        .get(0));

        CommandRun run = CommandRun.of(golden + "\n", "tokenize", "--chat");

        assertThat(run.out().strip().replace(" ", ""))
                .isEqualTo(golden.path("prompt_ids").toString());
    }

    @Test
    void synthesizesAModelThatCanBeInspected() throws IOException {
        String config = Home.tinyR1().resolve("config.json").toString();
        String output = folder.resolve("m").toString();

        assertThat(CommandRun.of(
                                "",
                                "model",
                                "synthesize",
                                "--config",
                                config,
                                "--output",
                                output,
                                "--seed",
                                "5",
                                "--set",
                                "num_hidden_layers=2",
                                "--set",
                                "vocab_size=300")
                        .exitCode())
                .isZero();

        JsonNode report = new ObjectMapper()
                .readTree(
                        CommandRun.of("", "model", "inspect", output, "--json").out());
        assertThat(report.path("layers").asInt()).isEqualTo(2);
        assertThat(report.path("vocab_size").asInt()).isEqualTo(300);
        assertThat(CommandRun.of("", "model", "hash", output).out()).matches("[0-9a-f]{64}\n");
    }

    @ParameterizedTest
    @CsvSource({
        "deepseek-v2-lite, 15706484224, bf16",
        "moonlight-16b-a3b-instruct, 15960110208, bf16",
        "deepseek-v3.1, 671026419200, e4m3_ue8m0"
    })
    void inspectsPublishedConfigs(String name, long parameters, String format) throws Exception {
        Path config = Home.tinyR1().resolveSibling("configs").resolve(name + ".json");

        CommandRun run = CommandRun.of("", "model", "inspect", "--config", config.toString(), "--json");

        assertThat(run.exitCode()).isZero();
        assertThat(run.json().path("parameters").asLong()).isEqualTo(parameters);
        assertThat(run.json().path("linear_format").asText()).isEqualTo(format);
    }
}
