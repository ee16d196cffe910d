package io.millrace.job.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.EmbeddedBroker;
import io.millrace.job.cli.Home;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/**
 * docker-compose.yml without Docker: the command line of each service that is ours runs as a process, with the host names and ports of
 * this machine put in, and the prompts are answered. High availability is left out, as there is no ZooKeeper here ({@code TortureIT}
 * has one).
 */
class ComposeIT {
    @TempDir
    Path work;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        for (Process p : started) {
            p.descendants().forEach(ProcessHandle::destroyForcibly);
            p.destroyForcibly().waitFor();
        }
    }

    @Test
    void theCommandsOfTheServicesAnswerThePrompts() throws Exception {
        Map<String, Map<String, Object>> services = services();
        Matcher topics =
                Pattern.compile("for topic in ([\\w. ]+);").matcher(String.join("\n", command(services, "topics")));
        assertThat(topics.find()).isTrue();
        String[] names = topics.group(1).split(" ");
        assertThat(names).containsExactlyInAnyOrderElementsOf(LocalCluster.TOPICS);

        try (EmbeddedBroker broker = EmbeddedBroker.start(work.resolve("broker"))) {
            broker.createTopics(4, names);
            Map<String, String> here = here(broker.bootstrapServers());
            start(services, "job-manager", here);
            start(services, "task-manager", here);
            assertThat(run(services, "job", here)).contains("is on its way");
            assertThat(run(services, "prompts", here)).contains("3");
            assertThat(run(services, "answers", here))
                    .contains("\"docker-1\"")
                    .contains("\"docker-2\"")
                    .contains("\"docker-3\"");
        }
        assertLogsAreJsonWithoutPrompts();
    }

    /** Both managers ran with MILLRACE_LOG_FORMAT=json. */
    private void assertLogsAreJsonWithoutPrompts() throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<String> prompts = new ArrayList<>();
        for (String line : Files.readAllLines(Home.folder().resolve("examples/docker/prompts.jsonl"))) {
            prompts.add(json.readTree(line).at("/messages/0/content").asText());
        }
        assertThat(prompts).hasSize(3).noneMatch(String::isBlank);
        for (String name : List.of("job-manager", "task-manager")) {
            List<String> lines = Files.readAllLines(work.resolve(name + ".log"));
            assertThat(lines).hasSizeGreaterThan(20);
            for (String line : lines) {
                assertThat(line).as(name).startsWith("{").endsWith("}");
                JsonNode entry = json.readTree(line);
                assertThat(entry.fieldNames())
                        .toIterable()
                        .containsExactly("time", "level", "thread", "logger", "message", "exception");
                assertThat(prompts).noneMatch(line::contains);
            }
        }
    }

    /** Returns what stands in the file, and what stands for it on this machine. */
    private Map<String, String> here(String bootstrapServers) throws IOException {
        String rpc = Integer.toString(freePort());
        String rest = Integer.toString(freePort());
        Path conf = Files.createDirectories(work.resolve("conf"));
        Path given = Home.folder().resolve("examples/docker/flink");
        Files.copy(given.resolve("log4j2.properties"), conf.resolve("log4j2.properties"));
        StringBuilder config = new StringBuilder();
        for (String line : Files.readAllLines(given.resolve("config.yaml"))) {
            if (!line.startsWith("high-availability")) {
                config.append(line.replace(": job-manager", ": 127.0.0.1")
                                .replace("0.0.0.0", "127.0.0.1")
                                .replace(": 6123", ": " + rpc)
                                .replace(": 8081", ": " + rest)
                                .replace("/var/lib/millrace", work.toString()))
                        .append('\n');
            }
        }
        Files.writeString(conf.resolve("config.yaml"), config);
        return Map.of(
                "/opt/millrace/examples/docker/flink",
                conf.toString(),
                "broker:9092",
                bootstrapServers,
                "9400",
                Integer.toString(freePort()));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @SuppressWarnings("unchecked") // the file's form is checked by what the test takes from it
    private static Map<String, Map<String, Object>> services() throws IOException {
        Map<String, Object> file =
                new Yaml().load(Files.readString(Home.folder().resolve("docker-compose.yml")));
        return (Map<String, Map<String, Object>>) file.get("services");
    }

    private static List<String> command(Map<String, Map<String, Object>> services, String name) {
        return ((List<?>) services.get(name).get("command"))
                .stream().map(Object::toString).toList();
    }

    private Process start(Map<String, Map<String, Object>> services, String name, Map<String, String> here)
            throws IOException {
        List<String> command =
                new ArrayList<>(List.of(Home.folder().resolve("millrace").toString()));
        for (String arg : command(services, name)) {
            command.add(here.getOrDefault(
                    arg, arg.replace("/opt/millrace", Home.folder().toString())));
        }
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(work.resolve(name + ".log").toFile());
        if (name.endsWith("-manager")) {
            builder.environment().put("MILLRACE_LOG_FORMAT", "json");
            builder.redirectError(work.resolve(name + ".err").toFile()); // the JVM's own warnings
        } else {
            builder.redirectErrorStream(true);
        }
        Process process = builder.start();
        started.add(process);
        return process;
    }

    /** Runs a service until it ends well; Docker starts one again that doesn't. */
    private String run(Map<String, Map<String, Object>> services, String name, Map<String, String> here)
            throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            Process process = start(services, name, here);
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
            String said = Files.readString(work.resolve(name + ".log"), UTF_8);
            if (process.exitValue() == 0) {
                return said;
            }
            assertThat(attempt).as(said).isLessThan(20);
        }
    }
}
