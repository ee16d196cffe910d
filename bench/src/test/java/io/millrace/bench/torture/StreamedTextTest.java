package io.millrace.bench.torture;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.schemas.CompletionChunk;
import org.junit.jupiter.api.Test;

class StreamedTextTest {
    private final StreamedText text = new StreamedText();

    @Test
    void aPieceThatComesAgainIsARestart() throws Exception {
        piece("a", "12345678", 0, "", 0);
        piece("b", "1234", 0, "", 0);
        piece("a", "", 8, "12", 0); // 10 chars
        assertThat(text.numRestarts()).isZero();
        piece("a", "78", 6, "", 0); // 6 of 10 were kept
        piece("a", "", 8, "12", 0);
        assertThat(text.numRestarts()).isEqualTo(1);
        assertThat(text.keptShare(0.5)).isEqualTo(0.6);
    }

    @Test
    void oneThatBeginsAnewKeptNothing() throws Exception {
        piece("a", "1234", 0, "", 0);
        piece("a", "12", 0, "", 0);
        piece("a", "34", 2, "", 0);
        assertThat(text.numRestarts()).isEqualTo(1);
        assertThat(text.keptShare(0.5)).isZero();
    }

    @Test
    void withoutARestartThereIsNoShare() {
        assertThat(text.keptShare(0.5)).isNaN();
    }

    private void piece(String id, String reasoning, int reasoningOffset, String content, int contentOffset)
            throws Exception {
        text.chunk(new CompletionChunk(
                        id,
                        "llm.prompts-0-1",
                        0,
                        "tiny-r1",
                        0,
                        reasoning,
                        reasoningOffset,
                        content,
                        contentOffset,
                        null)
                .encode());
    }
}
