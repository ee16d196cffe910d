package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every row of the failure table in docs/operations.md names a test that proves it, and the test exists. */
class FailureTableTest {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|IT))(?:\\.(\\w+))?`");

    @Test
    void everyRowHasTestsThatExist() throws IOException {
        Map<String, String> sources = testSources();
        List<String> wrong = new ArrayList<>();
        List<String> rows = rows();
        for (String row : rows) {
            String[] cells = row.split("(?<!\\\\)\\|");
            Matcher named = NAMED.matcher(cells[cells.length - 1]);
            int count = 0;
            for (; named.find(); count++) {
                String source = sources.get(named.group(1));
                if (source == null) {
                    wrong.add("no test class " + named.group(1));
                } else if (named.group(2) != null && !source.contains(" " + named.group(2) + "(")) {
                    wrong.add("no test " + named.group(1) + "." + named.group(2));
                }
            }
            if (cells.length != 4 || count == 0) {
                wrong.add("no test is named in row: " + row);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(rows).hasSizeGreaterThan(20);
    }

    @Test
    void everyTestThatADocumentNamesExists() throws IOException {
        Map<String, String> sources = testSources();
        List<String> wrong = new ArrayList<>();
        int count = 0;
        try (Stream<Path> files = Files.walk(HOME.resolve("docs"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".md")).toList()) {
                for (Matcher named = NAMED.matcher(Files.readString(file)); named.find(); count++) {
                    String source = sources.get(named.group(1));
                    if (source == null || named.group(2) != null && !source.contains(" " + named.group(2) + "(")) {
                        wrong.add(HOME.relativize(file) + ": " + named.group());
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(count).isGreaterThan(50);
    }

    private static List<String> rows() throws IOException {
        List<String> lines = Files.readAllLines(HOME.resolve("docs/operations.md"));
        int first = lines.indexOf("| --- | --- | --- |") + 1;
        assertThat(lines.get(first - 2)).isEqualTo("| case | where it ends | proved by |");
        return lines.subList(first, lines.size()).stream()
                .takeWhile(l -> l.startsWith("|"))
                .toList();
    }

    /** The text of every test class, by its name. */
    private static Map<String, String> testSources() throws IOException {
        Map<String, String> sources = new HashMap<>();
        for (String module : List.of("schemas", "kernels", "engine", "operators", "job", "bench")) {
            try (Stream<Path> files = Files.walk(HOME.resolve(module).resolve("src/test/java"))) {
                for (Path file :
                        files.filter(f -> f.toString().endsWith(".java")).toList()) {
                    sources.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
                }
            }
        }
        return sources;
    }
}
