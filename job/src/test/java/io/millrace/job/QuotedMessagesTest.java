package io.millrace.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every message that docs/troubleshooting.md quotes is one that a source can print: its fixed parts stand there, in their order. */
class QuotedMessagesTest {
    private static final Path ROOT = Path.of("..");
    private static final String VARIES = "…";

    /** {@code "ab" + "cd"}, also over two lines, is {@code "abcd"}. */
    private static final Pattern CONCATENATION = Pattern.compile("\"\\s*\\+\\s*\"");

    @Test
    void troubleshootingQuotesMessagesThatExist() throws IOException {
        List<String> sources = sources();
        List<String> messages = Pattern.compile("(?m)^```text\\n(.*)\\n```$")
                .matcher(Files.readString(ROOT.resolve("docs").resolve("troubleshooting.md")))
                .results()
                .map(r -> r.group(1))
                .toList();
        assertThat(messages).hasSizeGreaterThan(20).doesNotHaveDuplicates();
        assertThat(messages)
                .allSatisfy(message -> assertThat(sources)
                        .as(message)
                        .anyMatch(source -> message(message).matcher(source).find()));
    }

    @Test
    void aChangedMessageIsFound() throws IOException {
        List<String> sources = sources();
        for (String wrong : List.of(
                "no topic … at …: create with kafka-topics --create --topic NAME --partitions N",
                "no task manager answers on …: start the job with --metrics-port and name addresses")) {
            assertThat(sources)
                    .noneMatch(source -> message(wrong).matcher(source).find());
        }
    }

    /** Fixed parts, and at most a few hundred chars of code between them. */
    private static Pattern message(String text) {
        List<String> parts = new ArrayList<>();
        for (String part : text.replace("millrace: ", "").split(VARIES)) {
            if (!part.isBlank()) {
                parts.add(Pattern.quote(part.strip()));
            }
        }
        return Pattern.compile(String.join(".{1,300}?", parts), Pattern.DOTALL);
    }

    private static List<String> sources() throws IOException {
        List<String> texts = new ArrayList<>();
        texts.add(Files.readString(ROOT.resolve("millrace")));
        for (String module : Arrays.asList("schemas", "kernels", "engine", "operators", "job")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(Path.of(module, "src", "main", "java")))) {
                for (Path file :
                        files.filter(p -> p.toString().endsWith(".java")).toList()) {
                    texts.add(CONCATENATION
                            .matcher(Files.readString(file))
                            .replaceAll("")
                            .replace("\\\"", "\""));
                }
            }
        }
        return texts;
    }
}
