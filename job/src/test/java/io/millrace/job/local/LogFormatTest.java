package io.millrace.job.local;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.job.cli.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** MILLRACE_LOG_FORMAT switches the lines of a Flink process, here of one that only logs. */
class LogFormatTest {
    private static final String MESSAGE = "says \"no\\yes\"\n\tand a second line, ü";

    @TempDir
    private Path temp;

    /** The process: a line, and a line with an exception. */
    static final class Main {
        private static final Logger LOG = LoggerFactory.getLogger(Main.class);

        private Main() {}

        public static void main(String[] args) {
            LOG.info(MESSAGE);
            LOG.warn("failed", new IllegalStateException("with \"quotes\""));
        }
    }

    private List<String> linesWith(String format) throws IOException, InterruptedException {
        Path config = Home.folder().resolve("job/src/main/resources/log4j2-millrace-local.properties");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dlog4j2.configurationFile=" + config.toUri(),
                "-Dfile.encoding=UTF-8",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName());
        builder.environment().put("MILLRACE_LOG_FORMAT", format);
        Path out = temp.resolve("out");
        Process process =
                builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
        assertThat(process.waitFor()).isZero();
        return Files.readAllLines(out);
    }

    @Test
    void jsonIsOneObjectALine() throws IOException, InterruptedException {
        List<String> lines = linesWith("json");
        assertThat(lines).hasSize(2);
        JsonNode first = new ObjectMapper().readTree(lines.get(0));
        assertThat(Instant.parse(first.get("time").asText())).isBefore(Instant.now());
        assertThat(first.get("level").asText()).isEqualTo("INFO");
        assertThat(first.get("thread").asText()).isEqualTo("main");
        assertThat(first.get("logger").asText()).isEqualTo(Main.class.getName());
        assertThat(first.get("message").asText()).isEqualTo(MESSAGE);
        assertThat(first.get("exception").asText()).isEmpty();
        JsonNode second = new ObjectMapper().readTree(lines.get(1));
        assertThat(second.get("message").asText()).isEqualTo("failed");
        assertThat(second.get("exception").asText())
                .startsWith("java.lang.IllegalStateException: with \"quotes\"")
                .contains("\tat " + Main.class.getName() + ".main(");
    }

    @Test
    void textIsForPeople() throws IOException, InterruptedException {
        assertThat(linesWith("text").get(0)).endsWith(" INFO  [main] i.m.j.l.LogFormatTest$Main says \"no\\yes\"");
    }

    @Test
    void containersLogAsLocalProcessesDo() throws IOException {
        String local =
                Files.readString(Home.folder().resolve("job/src/main/resources/log4j2-millrace-local.properties"));
        String container = Files.readString(Home.folder().resolve("examples/docker/flink/log4j2.properties"));
        assertThat(container.substring(container.indexOf('\n'))).isEqualTo(local.substring(local.indexOf('\n')));
    }
}
