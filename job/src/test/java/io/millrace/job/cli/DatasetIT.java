package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Datasets by the command line and the shipped model. */
@Timeout(120)
class DatasetIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    /** Rows {@code key, question, answer} of the shipped problems. */
    private void writeProblems(int count) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String line :
                Files.readAllLines(Home.tinyR1().resolve("eval.jsonl")).subList(0, count)) {
            JsonNode problem = JSON.readTree(line);
            ObjectNode row = JSON.createObjectNode();
            row.put("key", problem.path("id").asText());
            row.put("question", problem.path("messages").path(0).path("content").asText());
            row.put("answer", problem.path("answer").asText());
            rows.add(row.toString());
        }
        Files.write(folder.resolve("in.jsonl"), rows);
    }

    private CommandRun generate(String output, String... more) {
        List<String> args = new ArrayList<>(List.of(
                "generate", "--input", folder + "/in.jsonl", "--output", folder.resolve(output) + "", "--json"));
        args.addAll(Arrays.asList(more));
        return CommandRun.of("", args.toArray(String[]::new));
    }

    private List<JsonNode> rows(String output, String kind) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder.resolve(output))) {
            for (Path file : files.filter(f -> f.getFileName().toString().startsWith(kind + "-"))
                    .sorted()
                    .toList()) {
                for (String line : Files.readAllLines(file)) {
                    rows.add(JSON.readTree(line));
                }
            }
        }
        return rows;
    }

    @Test
    void aTemplateMakesShardsWithAManifest() throws Exception {
        writeProblems(10);
        Files.write(folder.resolve("in.jsonl"), List.of("{\"key\":\"no-question\"}"), StandardOpenOption.APPEND);

        String[] options = {
            "--prompt-template",
            "{question}",
            "--id-column",
            "key",
            "--shard-rows",
            "4",
            "--n",
            "2",
            "--seed",
            "1",
            "--max-tokens",
            "30"
        };
        CommandRun run = generate("out", options);

        assertThat(run.exitCode()).as(run.err()).isEqualTo(3);
        assertThat(run.json().path("accepted").asInt()).isEqualTo(20);
        assertThat(run.json().path("errors").asInt()).isEqualTo(1);
        List<JsonNode> data = rows("out", "data");
        assertThat(data).hasSize(20);
        assertThat(data.get(2).path("id").asText()).isEqualTo("sub-0001");
        assertThat(data.get(2).path("prompt").asText()).isEqualTo("What is 422 - 12?");
        assertThat(data.get(2).path("seed").asLong())
                .isNotEqualTo(data.get(3).path("seed").asLong());
        assertThat(rows("out", "errors").get(0).path("message").asText())
                .isEqualTo("column \"question\" of --prompt-template is missing: the row has [key]");
        checkManifest();
        assertThat(folder.resolve("out/.work")).doesNotExist();

        assertThat(generate("out", options).err()).contains("is a complete dataset");
        assertThat(generate("again", options).exitCode()).isEqualTo(3);
        assertThat(rows("again", "data")).isEqualTo(data);

        JsonNode distinct = generate("distinct", append(options, "--dedup")).json();
        assertThat(distinct.path("duplicates").asInt()).isPositive(); // the model is nearly sure of what it says
        assertThat(rows("distinct", "data"))
                .hasSize(20 - distinct.path("duplicates").asInt())
                .hasSizeGreaterThanOrEqualTo(10);
        assertThat(folder.resolve("distinct/README.md"))
                .content()
                .contains(
                        "| input rows read | 11 |", "| bad rows (`errors-*`) | 1 |", "--prompt-template '{question}'");
        assertThat(folder.resolve("distinct/lengths.svg")).content().contains("</svg>");
    }

    private void checkManifest() throws Exception {
        JsonNode manifest = JSON.readTree(folder.resolve("out/manifest.json").toFile());
        assertThat(manifest.path("provenance").path("model_hash").asText()).hasSize(64);
        assertThat(manifest.path("shards")).hasSize(3);
        for (JsonNode shard : manifest.path("shards")) {
            Path file = folder.resolve("out")
                    .resolve(shard.path("data").path("name").asText());
            byte[] bytes = Files.readAllBytes(file);
            assertThat(shard.path("data").path("bytes").asLong()).isEqualTo(bytes.length);
            assertThat(shard.path("data").path("sha256").asText())
                    .isEqualTo(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        }
    }

    @Test
    void onlyVerifiedSamplesAreInTheData() throws IOException {
        writeProblems(24);
        String[] options = {
            "--prompt-column",
            "question",
            "--answer-column",
            "answer",
            "--id-column",
            "key",
            "--temperature",
            "1.5",
            "--max-tokens",
            "120",
            "--verify",
            "boxed",
            "--keep-rejected",
            "--shard-rows",
            "10"
        };

        CommandRun run = generate("out", append(options, "--accept", "2", "--max-attempts", "6"));

        assertThat(run.exitCode()).as(run.err()).isZero();
        List<JsonNode> data = rows("out", "data");
        List<JsonNode> rejected = rows("out", "rejected");
        assertThat(data).hasSize(run.json().path("accepted").asInt()).hasSizeBetween(30, 48);
        assertThat(rejected).hasSizeGreaterThan(3);
        assertThat(data.size() + rejected.size())
                .isEqualTo(run.json().path("samples").asInt());
        assertThat(data).allMatch(DatasetIT::isRight);
        assertThat(rejected).noneMatch(DatasetIT::isRight);
        assertThat(run.json().path("generation_tokens").asInt())
                .isEqualTo(Stream.concat(data.stream(), rejected.stream())
                        .mapToInt(row -> row.path("completion_tokens").asInt())
                        .sum());
        assertThat(run.json().path("pass_at_1").asDouble()).isBetween(0.2, 0.99);
        assertThat(run.json().path("pass_at_4").asDouble())
                .isGreaterThanOrEqualTo(run.json().path("pass_at_1").asDouble());

        CommandRun vote = generate("vote", append(options, "--vote", "--n", "5"));
        assertThat(vote.exitCode()).as(vote.err()).isZero();
        assertThat(vote.json().path("samples").asInt()).isEqualTo(24 * 5);
        assertThat(vote.json().path("majority_right").asDouble())
                .isGreaterThanOrEqualTo(vote.json().path("pass_at_1").asDouble() - 0.1);
        Map<String, Set<String>> answers = new TreeMap<>();
        rows("vote", "data")
                .forEach(row -> answers.computeIfAbsent(row.path("id").asText(), id -> new TreeSet<>())
                        .add(row.path("extracted").asText()));
        assertThat(answers.values()).allMatch(set -> set.size() == 1);
    }

    /** The test's own idea of a right answer: the text between the last box's braces is the answer column's. */
    private static boolean isRight(JsonNode row) {
        String completion = row.path("completion").asText("");
        int start = completion.lastIndexOf("\\boxed{");
        int end = completion.indexOf('}', Math.max(start, 0));
        return start >= 0
                && end > 0
                && completion
                        .substring(start + 7, end)
                        .equals(row.path("answer").asText());
    }

    private static String[] append(String[] head, String... tail) {
        return Stream.concat(Arrays.stream(head), Arrays.stream(tail)).toArray(String[]::new);
    }

    @Test
    void optionsWithoutEffectAreRefused() throws IOException {
        writeProblems(1);

        assertThat(generate("out", "--prompt-column", "question", "--checkpoint-interval", "1 s")
                        .err())
                .contains("--checkpoint-interval has no effect on a dataset");
        assertThat(generate("out", "--prompt-column", "question", "--errors", "x")
                        .err())
                .contains("--errors x has no effect on a dataset");
        assertThat(generate("out", "--prompt-column", "question", "--accept", "1")
                        .err())
                .contains("--accept and --vote need --verify");
        assertThat(generate("out", "--vote", "--verify", "exec:true").err())
                .contains("--vote needs --verify boxed or regex:PATTERN");
        assertThat(generate("out", "--accept", "2", "--n", "3", "--verify", "boxed")
                        .err())
                .contains("--n 3 and --accept 2 are both given");
        assertThat(generate("out", "--prompt-column", "question", "--shard-rows", "0")
                        .err())
                .contains("--shard-rows is 0 but must be from 1 to 1000000");
    }
}
