package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SplitPatternTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "(a|b)+ ~ a group that repeats",
                "(?:a){2} ~ a group that repeats",
                "(?i:a) ~ (?i",
                "(?<=a)b ~ (?<",
                "a.b ~ '.'",
                "^a ~ '^'",
                "a$ ~ '$'",
                "\\w+ ~ \\w",
                "\\d ~ \\d",
                "(a)\\1 ~ \\1",
                "\\p{Han} ~ a property other than L, M, N, P or S",
                "\\p{Lu} ~ a property other than L, M, N, P or S",
                "\\p{^L} ~ a property other than L, M, N, P or S",
                "[a[b]] ~ a class inside a class",
                "[a&&b] ~ an intersection of classes",
                "a{1,2}+ ~ a possessive interval",
                "a\\ ~ a backslash at the end",
            })
    void refusesWhatMayMeanSomethingElse(String regex, String construct) {
        assertThatThrownBy(() -> SplitPattern.compile(regex))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(construct);
    }

    @Test
    void refusesWhatJavaRefuses() {
        assertThatThrownBy(() -> SplitPattern.compile("[a")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void blanksAreUnicodeBlanks() {
        assertThat("\u3000\u00A0\u2028\u0085 \t").matches(SplitPattern.compile("\\s+"));
        assertThat("\u3000").matches(SplitPattern.compile("[^\\S]"));
        assertThat("a\u180E").matches(SplitPattern.compile("\\S+"));
        assertThat("\\s").matches(SplitPattern.compile("\\\\s")); // a backslash, then the letter
        assertThat("a(").matches(SplitPattern.compile("(?:a|b)\\("));
    }
}
