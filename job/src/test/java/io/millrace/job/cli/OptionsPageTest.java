package io.millrace.job.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.job.JobOptions;
import io.millrace.job.Republisher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Every option stands in the docs, and every option that the docs name exists. */
class OptionsPageTest {
    private static final Path ROOT = Path.of("..");
    private static final Path PAGE = ROOT.resolve("docs").resolve("options.md");
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--([a-z][a-z0-9-]*)");

    /** Of the start script, the JVM, Docker and Kafka's tools. */
    private static final Set<String> OF_OTHERS =
            Set.of("add", "operation", "build", "rm", "scale", "all", "add-modules", "create", "partitions", "target");

    @Test
    void thePageIsWhatTheListsSay() throws IOException {
        String text = OptionsPage.text();
        if (Boolean.getBoolean("millrace.write-docs")) {
            Files.writeString(PAGE, text);
        }
        assertThat(Files.readString(PAGE))
                .as("docs/options.md is out of date: run this test with -Dmillrace.write-docs=true")
                .isEqualTo(text);
    }

    @Test
    void thePageNamesEveryOption() throws IOException {
        Set<String> ofCode = new TreeSet<>();
        JobOptions.ALL.forEach(o -> ofCode.add(o.name()));
        collect(Main.commandLine(), ofCode);
        assertThat(options(Files.readString(PAGE))).containsAll(ofCode);
    }

    @Test
    void theDocsNameNoOptionThatIsNot() throws IOException {
        Set<String> known = new TreeSet<>(OF_OTHERS);
        JobOptions.ALL.forEach(o -> {
            known.add(o.name());
            if (o.alias() != null) {
                known.add(o.alias());
            }
        });
        collect(Main.commandLine(), known);
        // The benchmark isn't on this module's class path: its options are those that its sources declare.
        for (Path source : files(ROOT.resolve(Path.of("bench", "src", "main", "java")), ".java")) {
            Matcher m = Pattern.compile("\"--([a-z][a-z0-9-]*)\"").matcher(Files.readString(source));
            while (m.find()) {
                known.add(m.group(1));
            }
        }
        List<Path> pages = new ArrayList<>(files(ROOT.resolve("docs"), ".md"));
        pages.removeIf(p -> p.startsWith(ROOT.resolve("docs").resolve("adr"))
                || p.toString().contains("kernels"));
        pages.add(ROOT.resolve("README.md"));
        for (Path page : pages) {
            assertThat(options(Files.readString(page))).as(page.toString()).isSubsetOf(known);
        }
    }

    @Test
    void theHeaderOfCopiesStandsInTheDocs() throws IOException {
        assertThat(Files.readString(ROOT.resolve("docs").resolve("wire-format.md")))
                .contains("| `" + Republisher.HEADER + "` |");
    }

    private static void collect(CommandLine line, Set<String> names) {
        line.getCommandSpec().options().forEach(o -> names.addAll(options(String.join(" ", o.names()))));
        line.getSubcommands().values().forEach(sub -> collect(sub, names));
    }

    private static Set<String> options(String text) {
        Set<String> names = new TreeSet<>();
        OPTION.matcher(text).results().forEach(r -> names.add(r.group(1)));
        return names;
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(p -> p.toString().endsWith(ending)).toList();
        }
    }
}
