package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class DemoTallyTest {
    private final DemoTally tally = new DemoTally(List.of(prompt("a", "46"), prompt("b", "7"), prompt("c", "9")));

    @Test
    void countsAnswersOnce() {
        assertThat(tally.completion(completion("a", "so \\boxed{1}, no: \\boxed{ 46 }.", 30, 5, 20))
                        .isCorrect())
                .isTrue();
        assertThat(tally.completion(completion("b", "\\boxed{8}", 10, 0, 40)).isCorrect())
                .isFalse();
        tally.completion(completion("a", "\\boxed{46}", 30, 5, 20));

        assertThat(tally.numCompletions()).isEqualTo(2);
        assertThat(tally.numDuplicated()).isEqualTo(1);
        assertThat(tally.numLost()).isEqualTo(1);
        assertThat(tally.numCorrect()).isEqualTo(1);
        assertThat(tally.completionTokens()).isEqualTo(40);
        assertThat(tally.resumedTokens()).isEqualTo(5);
        assertThat(tally.ttftP50Ms()).isEqualTo(20);
        tally.deadLetter("c", new byte[0]);
        assertThat(tally.numLost()).isZero();
        assertThat(tally.numDeadLetters()).isEqualTo(1);
        tally.deadLetter("b", new byte[0]);
        assertThat(tally.numDuplicated()).isEqualTo(2);
    }

    @Test
    void anAnswerToNobodysQuestionIsABug() {
        assertThatThrownBy(() -> tally.completion(completion("z", "", 1, 0, 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a completion has the id \"z\", which was never asked");
    }

    @Test
    void findsTheLastBox() {
        assertThat(SamplePrompt.boxed("\\boxed{1} \\boxed{2 3}")).isEqualTo("2 3");
        assertThat(SamplePrompt.boxed("\\boxed{1")).isEmpty();
        assertThat(SamplePrompt.boxed("nothing")).isEmpty();
    }

    @Test
    void samplePromptsHaveUniqueIdsAlsoWhenTheyRepeat() {
        List<SamplePrompt> prompts = SamplePrompt.load(Home.tinyR1().resolve("eval.jsonl"), 1500);

        assertThat(prompts).extracting(SamplePrompt::id).doesNotHaveDuplicates().contains("add-0000", "add-0000-2");
        assertThat(prompts.get(0).body())
                .isEqualTo("{\"id\":\"add-0000\",\"messages\":[{\"role\":\"user\",\"content\":\"Add 42 and 4.\"}],"
                        + "\"temperature\":0,\"max_tokens\":256}");
    }

    private static SamplePrompt prompt(String id, String answer) {
        return new SamplePrompt(id, "?", answer, "{}");
    }

    private static byte[] completion(String id, String content, int tokens, int resumed, double ttftMs) {
        return ("{\"id\":\"" + id + "\",\"choices\":[{\"message\":{\"content\":\"" + content.replace("\\", "\\\\")
                        + "\",\"reasoning_content\":null}}],\"usage\":{\"completion_tokens\":" + tokens
                        + "},\"provenance\":{\"resumed\":" + resumed + ",\"ttft_ms\":" + ttftMs + "}}")
                .getBytes(UTF_8);
    }
}
