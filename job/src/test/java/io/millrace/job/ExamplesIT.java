package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The example clients as a user runs them, against a broker and the job. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExamplesIT {
    private static final Path EXAMPLES = Path.of("..", "examples");
    private static final int NUM_PROMPTS = Boolean.getBoolean("millrace.full") ? 1_000 : 200;

    @TempDir
    static Path work;

    private EmbeddedBroker broker;
    private EmbeddedFlink flink;

    @BeforeAll
    void start() {
        broker = EmbeddedBroker.start(work.resolve("kafka"));
        broker.createTopics(4, "llm.prompts", "llm.completions", "llm.prompts.dlq");
        JobOptions options = JobOptions.parse(
                "--bootstrap-servers",
                broker.bootstrapServers(),
                "--model",
                Path.of("..", "models", "tiny-r1").toString(),
                "--checkpoint-interval",
                "500 ms",
                "--parallelism",
                "1",
                "--checkpoint-dir",
                work.resolve("checkpoints").toUri().toString());
        flink = EmbeddedFlink.start(MillraceJob.flinkSettings(options), env -> MillraceJob.build(env, options), null);
    }

    @AfterAll
    void stop() {
        flink.close();
        broker.close();
    }

    /** What a process said, and its exit code. */
    private record Ended(int code, String said) {}

    private static Ended run(Path folder, String... command) throws IOException, InterruptedException {
        Path log = Files.createTempFile(work, "run", ".log");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES))
                    .as(() -> List.of(command) + " ended")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(log, UTF_8));
    }

    private static boolean isThere(String command) {
        return List.of(System.getenv("PATH").split(File.pathSeparator)).stream()
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, command)));
    }

    @Test
    void aJavaScriptClientGetsEveryAnswerWithItsKeyAndHeaders() throws Exception {
        assumeTrue(
                isThere("node") && isThere("npm"), "no node or npm on this machine: the JavaScript example isn't run");
        Path folder = Files.createDirectory(work.resolve("javascript"));
        for (String file : List.of("package.json", "package-lock.json", ".npmrc", "client.mjs")) {
            Files.copy(EXAMPLES.resolve("javascript").resolve(file), folder.resolve(file));
        }
        Ended install = run(folder, "npm", "ci");
        assumeTrue(
                install.code == 0, "npm can't install kafkajs, so the JavaScript example isn't run: " + install.said);
        Ended client = run(
                folder,
                "node",
                "client.mjs",
                "--brokers",
                broker.bootstrapServers(),
                "--count",
                Integer.toString(NUM_PROMPTS));
        assertThat(client.said)
                .contains(NUM_PROMPTS + " of " + NUM_PROMPTS + " answered, 0 twice, 0 with wrong headers");
        assertThat(client.code).isZero();
    }

    @Test
    void aJavaClientGetsEveryAnswer() throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Ended client = run(
                Path.of("."),
                java,
                "-cp",
                System.getProperty("java.class.path"),
                EXAMPLES.resolve("java").resolve("Client.java").toString(),
                broker.bootstrapServers(),
                "50");
        assertThat(client.said).contains("50 of 50 answered").contains("\"finish_reason\":\"stop\"");
        assertThat(client.code).isZero();
    }
}
