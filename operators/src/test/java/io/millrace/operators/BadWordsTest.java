package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import io.millrace.engine.text.Tokenizer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class BadWordsTest {
    private static final Tokenizer TOKENIZER = Tokenizer.load(Path.of("..", "models", "tiny-r1", "tokenizer.json"));

    private static String text(List<Integer> ids) {
        return TOKENIZER.decode(ids.stream().mapToInt(Integer::intValue).toArray());
    }

    @Test
    void aWordCountsAsItStandsAndWithASpaceAhead() {
        assertThat(BadWords.ids(List.of("answer", "The"), TOKENIZER).stream()
                        .map(BadWordsTest::text)
                        .toList())
                .containsExactly("answer", " answer", "The", " The");
        assertThat(BadWords.ids(List.of("the", "the"), TOKENIZER)).hasSize(2);
        assertThat(BadWords.ids(List.of(), TOKENIZER)).isEmpty();
    }

    @Test
    void refusesWhatIsNoWord() {
        assertRejected(List.of("a", " "), "bad_words has \" \" but each must have a visible character");
        assertRejected(Collections.nCopies(65, "a"), "bad_words has 65 entries but must have at most 64");
        assertThatThrownBy(() -> BadWords.ids(List.of("a"), Tokenizer.ofIdsOnly(10)))
                .isInstanceOf(RejectedException.class)
                .hasMessage("bad_words is given but the model folder has no tokenizer.json: use logit_bias");
    }

    private static void assertRejected(List<String> words, String message) {
        assertThatThrownBy(() -> BadWords.ids(words, TOKENIZER))
                .isInstanceOf(RejectedException.class)
                .hasMessage(message);
    }
}
