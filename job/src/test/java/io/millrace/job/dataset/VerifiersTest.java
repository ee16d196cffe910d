package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import io.millrace.engine.PromptInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class VerifiersTest {
    @TempDir
    Path folder;

    private static Verdict verdict(String verify, @Nullable String answer, @Nullable String completion) {
        Question question = new Question(
                0, "f:1", "id", new PromptInput.Text("p", false), "p", answer, RowJson.MAPPER.createObjectNode());
        Sample sample = new Sample(0, 1, "stop", "thought \\boxed{99}", completion, 1, 1);
        return Verifiers.of(verify, Duration.ofMillis(500)).check(question, sample);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "46      | The answer is \\boxed{46}.             | true",
                "46      | First \\boxed{45}, no, \\boxed{ 46 }   | true",
                "46      | First \\boxed{46}, no, \\boxed{45}     | false",
                "46      | \\boxed{46                             | false",
                "46      | \\boxed{46}. And \\boxed{4             | true",
                "46      | 46                                     | false",
                "1200.5  | \\boxed{$1,200.50$}                    | true",
                "12,34   | \\boxed{1234}                          | false",
                "007     | \\boxed{+7.0}                          | true",
                "-0      | \\boxed{0.00}                          | true",
                "\\frac{1}{2} | \\boxed{\\frac{1}{2}}             | true",
                "a b     | \\boxed{a    b}                        | true",
                "a b     | \\boxed{A b}                           | false",
                "1e9     | \\boxed{1000000000}                    | false",
            })
    void boxedAnswers(String answer, String completion, boolean isCorrect) {
        assertThat(verdict("boxed", answer, completion).isCorrect()).isEqualTo(isCorrect);
    }

    @Test
    void onlyTheCompletionCountsAndWhyIsSaid() {
        assertThat(verdict("boxed", "99", "none")).isEqualTo(Verdict.wrong("no \\boxed{…}"));
        assertThat(verdict("boxed", "99", null)).isEqualTo(Verdict.wrong("it ended inside its reasoning"));
        assertThat(verdict("boxed", "98", "\\boxed{99}")).isEqualTo(new Verdict(false, "99", "the answer is 98"));
        assertThat(verdict("boxed", null, "\\boxed{99}")).isEqualTo(Verdict.correct("99"));
    }

    @Test
    void theLastMatchOfAPattern() {
        assertThat(verdict("regex:answer: (\\w+)", "b", "answer: a, answer: b").isCorrect())
                .isTrue();
        assertThat(verdict("regex:\\d+", "12", "x11y012z").extracted()).isEqualTo("12");
        assertThat(verdict("regex:\\d+", "12", "none").why()).isEqualTo("no match of \\d+");
        assertThatThrownBy(() -> Verifiers.of("regex:(", Duration.ofSeconds(1)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--verify regex:(, character 2");
    }

    @Test
    void jsonThatFitsASchemaAndIsTheAnswer() throws IOException {
        Path file = Files.writeString(
                folder.resolve("s.json"),
                "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\"}}}");
        String verify = "json-schema:" + file;

        assertThat(verdict(verify, null, " {\"a\":1}\n").isCorrect()).isTrue();
        assertThat(verdict(verify, null, "{\"a\":\"1\"}").why()).contains("integer");
        assertThat(verdict(verify, null, "{\"a\":1} x").why()).startsWith("no JSON");
        assertThat(verdict(verify, null, "").why()).isEqualTo("it is empty");
        assertThat(verdict(verify, "{\"b\":2,\"a\":1}", "{\"a\":1,\"b\":2}").isCorrect())
                .isTrue();
        assertThat(verdict(verify, "{\"a\":2}", "{\"a\":1}").why()).isEqualTo("the answer is {\"a\":2}");
        assertThatThrownBy(() -> Verifiers.of("json-schema:" + folder + "/none", Duration.ofSeconds(1)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("NoSuchFile");
    }

    @Test
    void aCommandsExitCode() throws IOException {
        Path seen = folder.resolve("seen");

        assertThat(verdict("exec:cat > " + seen, "46", "text")).isEqualTo(Verdict.CORRECT);
        assertThat(seen)
                .hasContent("{\"id\":\"id\",\"prompt\":\"p\",\"reasoning\":\"thought \\\\boxed{99}\","
                        + "\"completion\":\"text\",\"answer\":\"46\",\"row\":{}}");
        assertThat(verdict("exec:exit 3", "46", "text").why()).isEqualTo("the command ended with 3");
        assertThat(verdict("exec:sleep 30", "46", "x".repeat(1 << 20)).why())
                .isEqualTo("the command took more than 500 ms");
        assertThatThrownBy(() -> verdict("exec:no-such-command", "46", "text"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("--verify exec:no-such-command ended with 127: the shell can't find or run it");
    }

    @Test
    void otherFormsAreRefused() {
        for (String text : new String[] {"box", "regex:", "exec", "boxed:"}) {
            assertThatThrownBy(() -> Verifiers.of(text, Duration.ofSeconds(1)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessage("--verify is \"" + text
                            + "\" but must be boxed, regex:PATTERN, json-schema:FILE or exec:COMMAND");
        }
        assertThat(Verifiers.of(null, Duration.ofSeconds(1))).isSameAs(Verifier.NONE);
    }
}
