package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class GenerateIT {
    @TempDir
    Path folder;

    private List<String> eval;

    @BeforeEach
    void readEval() throws IOException {
        eval = Files.readAllLines(Home.tinyR1().resolve("eval.jsonl"));
    }

    @Test
    void everyLineIsAnsweredInOrderOrIsAnError() throws IOException {
        List<String> lines = new ArrayList<>(eval.subList(0, 12));
        lines.add("");
        lines.add("not json");
        lines.add("{\"prompt\":\"Add 1 and 2.\",\"max_tokens\":4}");
        lines.add("{\"custom_id\":\"b-1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":"
                + "{\"messages\":[{\"role\":\"user\",\"content\":\"Add 3 and 4.\"}]}}");
        lines.add("{\"id\":\"hot\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":-1}");
        lines.add("{\"id\":\"long\",\"prompt\":\"" + "x".repeat(3000) + "\"}");
        Files.write(folder.resolve("in.jsonl"), lines);

        CommandRun run = generate("--max-tokens", "120", "--temperature", "0", "--max-request-bytes", "2000", "--json");

        assertThat(run.exitCode()).as(run.err()).isEqualTo(3);
        List<String> ids = new ArrayList<>();
        IntStream.range(0, 12).forEach(i -> ids.add(eval.get(i).replaceFirst("^\\{\"id\": \"([^\"]+)\".*", "$1")));
        ids.add("in.jsonl:15");
        ids.add("b-1");
        assertThat(Answers.ids(folder.resolve("out.jsonl"))).isEqualTo(ids);
        assertThat(run.json().path("completions").asInt()).isEqualTo(14);
        assertThat(run.json().path("errors").asInt()).isEqualTo(3);
        checkErrors(Files.readAllLines(folder.resolve("out.jsonl.errors.jsonl")));
        assertThat(folder.resolve(".out.jsonl.millrace")).doesNotExist();
        int right = 0;
        for (int i = 0; i < 12; i++) {
            JsonNode answer = row(folder.resolve("out.jsonl"), i);
            String content = answer.path("choices")
                    .path(0)
                    .path("message")
                    .path("content")
                    .asText();
            String expected =
                    new ObjectMapper().readTree(eval.get(i)).path("answer").asText();
            right += content.contains("\\boxed{" + expected + "}") ? 1 : 0;
        }
        assertThat(right).isGreaterThanOrEqualTo(10);
    }

    private static void checkErrors(List<String> errors) throws IOException {
        ObjectMapper json = new ObjectMapper();
        assertThat(errors).hasSize(3);
        JsonNode first = json.readTree(errors.get(0));
        assertThat(first.path("line").asInt()).isEqualTo(14);
        assertThat(first.path("id").asText()).isEqualTo("in.jsonl:14");
        assertThat(first.path("stage").asText()).isEqualTo("decode");
        assertThat(new String(
                        Base64.getDecoder().decode(first.path("original_base64").asText())))
                .isEqualTo("not json");
        JsonNode second = json.readTree(errors.get(1));
        assertThat(second.path("id").asText()).isEqualTo("hot");
        assertThat(second.path("stage").asText()).isEqualTo("validate");
        assertThat(second.path("message").asText()).isEqualTo("temperature is -1.0 but must be from 0.0 to 100.0");
        JsonNode third = json.readTree(errors.get(2));
        assertThat(third.path("id").asText()).isEqualTo("long");
        assertThat(third.path("message").asText()).contains("3025 bytes but the limit is 2000");
        assertThat(third.path("original_bytes").asInt()).isEqualTo(3025);
    }

    @Test
    void aFolderBecomesAFolder() throws IOException {
        Path in = Files.createDirectories(folder.resolve("in/sub")).getParent();
        Files.write(in.resolve("a.jsonl"), eval.subList(0, 3));
        Files.write(in.resolve("sub/b.jsonl"), eval.subList(3, 5));

        CommandRun run = CommandRun.of(
                "", "generate", "--input", in.toString(), "--output", folder + "/out/", "--max-tokens", "8");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Answers.ids(folder.resolve("out/a.jsonl"))).hasSize(3);
        assertThat(Answers.ids(folder.resolve("out/sub/b.jsonl"))).containsExactly("mod-0003", "weekday-0004");
        assertThat(folder.resolve("out.errors.jsonl")).isEmptyFile();
    }

    @Test
    void endedPolitelyThenKilledItGoesOnWithTheSameAnswers() throws Exception {
        Files.write(folder.resolve("in.jsonl"), eval.subList(0, 600));
        String[] options = {
            "--max-tokens", "100", "--seed", "7", "--concurrency", "4", "--checkpoint-interval", "300 ms"
        };

        Process polite = start(options);
        awaitAnswers(polite);
        polite.destroy();
        assertThat(polite.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(polite.exitValue()).isEqualTo(143);
        assertThat(folder.resolve("stderr"))
                .content()
                .contains("stopped, progress is saved; go on with: millrace generate --input")
                .contains("--resume");
        assertThat(generate(options).exitCode()).as("without --resume").isEqualTo(2);
        assertThat(folder.resolve("out.jsonl")).doesNotExist();

        Process killed = start(append(options, "--resume"));
        Thread.sleep(1000);
        killed.destroyForcibly();
        assertThat(killed.waitFor(60, TimeUnit.SECONDS)).isTrue();

        CommandRun last = generate(append(options, "--resume", "--json"));
        assertThat(last.exitCode()).as(last.err()).isZero();
        assertThat(last.json().path("resumed").asBoolean()).isTrue();
        assertThat(last.json().path("completions").asInt()).isEqualTo(600);

        CommandRun undisturbed = CommandRun.of(
                "", append(options, "generate", "--input", folder + "/in.jsonl", "--output", folder + "/ref.jsonl"));
        assertThat(undisturbed.exitCode()).as(undisturbed.err()).isZero();
        assertThat(Answers.comparable(folder.resolve("out.jsonl")))
                .isEqualTo(Answers.comparable(folder.resolve("ref.jsonl")));
    }

    private CommandRun generate(String... more) {
        return CommandRun.of(
                "", append(more, "generate", "--input", folder + "/in.jsonl", "--output", folder + "/out.jsonl"));
    }

    private Process start(String... more) throws IOException {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-Xmx1g",
                "-cp",
                classPath,
                "io.millrace.job.cli.Main",
                "generate",
                "--input",
                folder + "/in.jsonl",
                "--output",
                folder + "/out.jsonl"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(folder.resolve("stderr").toFile())
                .start();
    }

    /** Waits until some answers are final. */
    private void awaitAnswers(Process process) throws InterruptedException {
        File parts = folder.resolve(".out.jsonl.millrace/completions").toFile();
        while (!parts.isDirectory()
                || Objects.requireNonNull(parts.list((dir, name) -> !name.startsWith("."))).length < 2) {
            assertThat(process.isAlive()).isTrue();
            Thread.sleep(20);
        }
    }

    private static String[] append(String[] head, String... tail) {
        List<String> all = new ArrayList<>();
        boolean isCommandFirst = tail[0].equals("generate");
        all.addAll(isCommandFirst ? List.of(tail) : List.of(head));
        all.addAll(isCommandFirst ? List.of(head) : List.of(tail));
        return all.toArray(String[]::new);
    }

    private static JsonNode row(Path file, int index) throws IOException {
        return new ObjectMapper().readTree(Files.readAllLines(file).get(index));
    }
}
