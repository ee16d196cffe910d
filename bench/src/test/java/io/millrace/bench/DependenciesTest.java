package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** docs/dependencies.md says what is on the class path: no version that has gone, nothing of the job's left out. */
class DependenciesTest {
    private static final Pattern ROW =
            Pattern.compile("\\| ([\\w.-]+):([\\w.-]+) \\| (\\S+) \\| (\\S+|not stamped) \\| (.+?) \\|.*");
    /** Of tests, or of this module. */
    private static final Pattern OTHERS = Pattern.compile(
            "millrace[.-].*|junit-.*|jupiter-.*|surefire-.*|common-.*|opentest4j-.*|apiguardian-.*|assertj-.*|byte-buddy-.*|archunit-.*|jmh-.*"
                    + "|.*-tests\\.jar|jcuda-.*");

    @Test
    void listsWhatIsOnTheClassPath() throws IOException {
        List<Matcher> rows = Files.readAllLines(Path.of("..", "docs", "dependencies.md")).stream()
                .map(ROW::matcher)
                .filter(Matcher::matches)
                .toList();
        Set<String> listed =
                rows.stream().map(m -> m.group(2) + "-" + m.group(3) + ".jar").collect(Collectors.toSet());
        Map<String, String> present = Arrays.stream(
                        System.getProperty("java.class.path").split(File.pathSeparator))
                .map(p -> Path.of(p).getFileName().toString())
                .filter(name -> name.endsWith(".jar"))
                .collect(Collectors.toMap(name -> name, name -> name, (a, b) -> a));
        assertThat(listed).hasSizeGreaterThan(80);
        assertThat(rows).allSatisfy(m -> assertThat(m.group(5)).as(m.group()).isNotBlank());
        assertThat(present.keySet())
                .filteredOn(name -> !OTHERS.matcher(name).matches())
                .as("on the class path, not in docs/dependencies.md")
                .allMatch(listed::contains);
        assertThat(listed)
                .filteredOn(name -> !OTHERS.matcher(name).matches())
                .as("in docs/dependencies.md, not on the class path")
                .allMatch(present::containsKey);
    }
}
