package io.millrace.bench;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two requests of eight tokens, all the ways. */
class ServingBenchIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> ARGS =
            List.of(("--model ../models/tiny-r1 --concurrency 2 --input-len 20 --output-len 8 --warmup 0 --json"
                            + " --checkpoint-interval 200")
                    .split(" "));

    @TempDir
    private Path temp;

    private static String run(String... further) {
        return start(Stream.concat(ARGS.stream(), Arrays.stream(further)).toArray(String[]::new));
    }

    private static String text(String... further) {
        return start(Stream.concat(
                        Stream.of("--model", "../models/tiny-r1", "--warmup", "0", "--checkpoint-interval", "200"),
                        Arrays.stream(further))
                .toArray(String[]::new));
    }

    private static String start(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exitCode = ServingBench.run(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), args);
        assertThat(exitCode).as(err.toString(UTF_8)).isZero();
        return out.toString(UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"engine", "flink", "kafka"})
    void everyWayAnswersAllAndIsTimed(String way) throws IOException {
        JsonNode json = JSON.readTree(run("--through", way));
        assertThat(json.get("through").asText()).isEqualTo(way);
        assertThat(json.get("completed").asInt()).isEqualTo(2);
        assertThat(json.get("total_input_tokens").asInt()).isEqualTo(40);
        assertThat(json.get("total_output_tokens").asInt()).isEqualTo(16);
        assertThat(json.get("preemptions").asInt()).isZero();
        assertThat(json.get("step_overhead_share").asDouble()).isBetween(1e-6, 0.9999);
        double duration = json.get("duration").asDouble();
        assertThat(json.get("output_throughput").asDouble() * duration).isCloseTo(16, within(1e-6));
        // all the times of a request lie within the run
        assertThat(json.get("mean_ttft_ms").asDouble()).isBetween(0.1, duration * 1000);
        assertThat(json.get("mean_tpot_ms").asDouble() * 7).isBetween(0.1, duration * 1000);
        assertThat(json.get("mean_added_ttft_ms").asDouble())
                .isBetween(0.0, json.get("mean_ttft_ms").asDouble());
        assertThat(json.get("engine_output_throughput").asDouble())
                .isGreaterThanOrEqualTo(json.get("output_throughput").asDouble());
    }

    @Test
    void comparesInPairs() throws IOException {
        Path file = temp.resolve("runs.jsonl");
        JsonNode json = JSON.readTree(run("--compare", "engine,flink", "--pairs", "2", "--output", file.toString()));
        assertThat(json.get("compare").asText()).isEqualTo("flink/engine");
        assertThat(json.get("output_throughput_ratio").asDouble()).isPositive();
        List<String> lines = Files.readAllLines(file);
        assertThat(lines).hasSize(5);
        assertThat(lines.stream().map(ServingBenchIT::through))
                .containsExactly("engine", "flink", "flink", "engine", "");
    }

    /** What the full experiment asks, with small numbers: two shapes, two ways through Kafka, the table, the page. */
    @Test
    void twoShapesInOneCommandEachBesideTheBareEngine() throws IOException {
        Path page = temp.resolve("page.html");
        Path file = temp.resolve("runs.jsonl");
        String text =
                text(("--compare engine,kafka --concurrency 1,8 --input-len 10,100 --output-len 20,300 --pairs 2,1"
                                + " --plot " + page + " --output " + file)
                        .split(" "));
        String[] table = text.substring(text.indexOf("Users  Tokens in / out")).split("\n");
        assertThat(table[1]).matches(" +1 +10 / 20 +1 +[0-9.,]+ +[0-9.,]+ +[0-9.]+ +[0-9.,]+ +– +–");
        assertThat(table[2]).matches(" +8 +100 / 300 +8 +[0-9.,]+ +[0-9.,]+ +[0-9.]+ +[0-9.,]+ +– +–");
        assertThat(Files.readString(page)).contains("through kafka", "<th>kafka / engine</th>", "Published");
        assertThat(Files.readAllLines(file)).hasSize(2 * 2 + 1 + 2 + 1);
    }

    @Test
    void saysBeforehandThatNotAllFit() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        String[] args = ("--model ../models/tiny-r1 --concurrency 4 --input-len 20 --output-len 8 --warmup 0"
                        + " --max-model-len 64 --kv-cache-bytes 200000")
                .split(" ");
        int exitCode = ServingBench.run(
                new PrintStream(OutputStream.nullOutputStream(), true, UTF_8), new PrintStream(err, true, UTF_8), args);
        assertThat(exitCode).isZero();
        // 98,304 bytes a page: 64 tokens of 4 layers of 96 floats
        assertThat(err.toString(UTF_8))
                .isEqualTo(
                        "WARN the KV pool holds 2 pages but 4 requests of 28 tokens need 4, so that not all run at once:"
                                + " raise --kv-cache-bytes to 400000\n");
    }

    @Test
    void drawsAPageBesideAnEarlierResult() throws IOException {
        Path file = temp.resolve("runs.jsonl");
        Path page = temp.resolve("page.html");
        run("--output", file.toString());
        run("--plot", page.toString(), "--baseline", file.toString());
        assertThat(Files.readString(page)).contains("<svg ", "through engine", "This run / baseline", "SGLang 0.4.3");
    }

    private static String through(String line) {
        try {
            return JSON.readTree(line).path("through").asText();
        } catch (IOException e) {
            throw new AssertionError(line, e);
        }
    }

    @Test
    void theBareEngineLoadsNoClassOfFlinkOrKafka() throws IOException, InterruptedException {
        Path log = temp.resolve("classes.log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-Xlog:class+load:file=" + log,
                "-cp",
                System.getProperty("java.class.path"),
                ServingBench.class.getName()));
        command.addAll(ARGS);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(temp.resolve("out.log").toFile())
                .start();
        assertThat(process.waitFor())
                .as(Files.readString(temp.resolve("out.log")))
                .isZero();
        String loaded = Files.readString(log);
        assertThat(loaded).contains("io.millrace.engine.Engine ", "io.millrace.bench.EngineWay ");
        assertThat(loaded).doesNotContain("org.apache.flink").doesNotContain("org.apache.kafka");
    }
}
