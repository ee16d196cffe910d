package io.millrace.operators;

import static io.millrace.operators.TestRecords.header;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.schemas.WireException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DeadLettersTest {
    private static final RejectedException CAUSE = new RejectedException(Stage.PREFILL, true, "größe: too long");

    @Test
    void carriesTheRecordUntouchedAndTheErrorInHeaders() {
        WireRecord prompt = TestRecords.record(42, "not json");
        WireRecord letter = DeadLetters.of(prompt, CAUSE, 100);
        assertThat(letter.value).isSameAs(prompt.value);
        assertThat(letter.key).isSameAs(prompt.key);
        assertThat(letter.headers)
                .extracting(h -> h.name)
                .containsExactly(
                        "traceparent",
                        "__llm.errors.stage",
                        "__llm.errors.class",
                        "__llm.errors.message",
                        "__llm.errors.topic",
                        "__llm.errors.partition",
                        "__llm.errors.offset",
                        "__llm.errors.timestamp",
                        "__llm.errors.attempt",
                        "__llm.errors.retriable");
        assertThat(header(letter, "__llm.errors.stage")).isEqualTo("prefill");
        assertThat(header(letter, "__llm.errors.class")).isEqualTo("io.millrace.engine.RejectedException");
        assertThat(header(letter, "__llm.errors.message")).isEqualTo("größe: too long");
        assertThat(header(letter, "__llm.errors.topic")).isEqualTo("prompts");
        assertThat(header(letter, "__llm.errors.partition")).isEqualTo("3");
        assertThat(header(letter, "__llm.errors.offset")).isEqualTo("42");
        assertThat(header(letter, "__llm.errors.timestamp")).isEqualTo("1700000000042");
        assertThat(header(letter, "__llm.errors.attempt")).isEqualTo("1");
        assertThat(header(letter, "__llm.errors.retriable")).isEqualTo("true");
        assertThat(prompt.headers).as("the prompt's own headers").hasSize(1);
    }

    @Test
    void namesTheClassOfTheCause() {
        RejectedException rejected = new RejectedException(Stage.DECODE, false, "x");
        rejected.initCause(new WireException("a", 1, "x"));
        WireRecord letter = DeadLetters.of(TestRecords.record(1, ""), rejected, 100);
        assertThat(header(letter, "__llm.errors.class")).isEqualTo("io.millrace.schemas.WireException");
    }

    @Test
    void aReplayCountsUpAndItsOldErrorIsReplaced() {
        WireRecord first = DeadLetters.of(TestRecords.record(1, "x"), CAUSE, 100);
        WireRecord second = DeadLetters.of(first, new RejectedException(Stage.DECODE_STEP, false, "other"), 100);
        assertThat(header(second, "__llm.errors.attempt")).isEqualTo("2");
        assertThat(header(second, "__llm.errors.message")).isEqualTo("other");
        assertThat(second.headers).hasSize(first.headers.size());
    }

    @Test
    void aForgedAttemptIsNoAttempt() {
        for (String forged : new String[] {"", "-1", "x", "99999999999999999999"}) {
            WireRecord prompt = TestRecords.record(1, "x");
            prompt.headers.add(new WireRecord.Header("__llm.errors.attempt", forged.getBytes(StandardCharsets.UTF_8)));
            assertThat(header(DeadLetters.of(prompt, CAUSE, 100), "__llm.errors.attempt"))
                    .as(forged)
                    .isEqualTo("1");
        }
    }

    @Test
    void aLongMessageIsCutBetweenCharacters() {
        RejectedException longOne = new RejectedException(Stage.VALIDATE, false, "x".repeat(1999) + "🤔 and more");
        String message = header(DeadLetters.of(TestRecords.record(1, ""), longOne, 100), "__llm.errors.message");
        assertThat(message).isEqualTo("x".repeat(1999) + "…");
    }

    @Test
    void aValueAboveTheLimitIsCutAndSaysHowLongItWas() {
        WireRecord prompt = TestRecords.record(1, "x".repeat(100_000));
        assertThat(DeadLetters.of(prompt, CAUSE, 100_000).value).hasSize(100_000);
        WireRecord cut = DeadLetters.of(prompt, CAUSE, 99_999);
        assertThat(cut.value).isEqualTo(Arrays.copyOf(prompt.value, 65_536));
        assertThat(header(cut, "__llm.errors.truncated")).isEqualTo("100000");
        assertThat(prompt.value).hasSize(100_000);
    }

    @Test
    void aLineThatWasCutWhenReadSaysItsWholeLength() {
        WireRecord prompt = TestRecords.record(1, "begin");
        prompt.fullBytes = 5_000_000_000L;
        WireRecord letter = DeadLetters.of(prompt, CAUSE, 100);
        assertThat(letter.value).isEqualTo(prompt.value);
        assertThat(header(letter, "__llm.errors.truncated")).isEqualTo("5000000000");
    }
}
