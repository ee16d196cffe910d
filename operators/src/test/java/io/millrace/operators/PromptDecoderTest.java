package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptAvro;
import io.millrace.schemas.WireException;
import java.nio.charset.StandardCharsets;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;

class PromptDecoderTest {
    private final PromptDecoder decoder = new PromptDecoder(TestRecords.settings(1, 1));

    @Test
    void readsJsonWithoutAHeader() {
        Prompt prompt = decoder.decode(TestRecords.prompt("q-1", 1, ""));
        assertThat(prompt.form()).isEqualTo(Prompt.Form.RAW);
        assertThat(prompt.id()).isEqualTo("q-1");
        assertThat(prompt.text()).isEqualTo("hello");
    }

    @Test
    void theHeaderDecidesTheCodec() {
        WireRecord record = TestRecords.prompt("q-1", 1, "");
        byte[] avro = PromptAvro.encode(decoder.decode(record));
        record.value = avro;
        record.headers.add(contentType("application/avro"));
        Prompt prompt = decoder.decode(record);
        assertThat(prompt.form()).isEqualTo(Prompt.Form.AVRO);
        assertThat(prompt.text()).isEqualTo("hello");
        record.headers.add(contentType("application/json; charset=utf-8"));
        assertRejected(record, "");
    }

    @Test
    void refusesAnUnknownContentType() {
        WireRecord record = TestRecords.prompt("q-1", 1, "");
        record.headers.add(contentType("text/plain"));
        assertRejected(record, "\"text/plain\" is neither application/json nor application/avro");
    }

    @Test
    void refusesATombstone() {
        WireRecord record = new WireRecord();
        assertRejected(record, "value is null: send a prompt");
    }

    @Test
    void refusesAValueAboveTheLimitBeforeReadingIt() {
        WireRecord fits = TestRecords.prompt("q-1", 1, "");
        WireRecord tooLarge = TestRecords.record(1, "{\"prompt\":\"" + "x".repeat(4096 - 12) + "\"}");
        fits.value = ("{\"prompt\":\"" + "x".repeat(4096 - 13) + "\"}").getBytes(StandardCharsets.UTF_8);
        assertThat(fits.value).hasSize(4096);
        assertThat(decoder.decode(fits).text()).hasSize(4083);
        assertRejected(tooLarge, "value has 4097 bytes but the limit is 4096: shorten it or raise max-request-bytes");
        WireRecord cutLine = TestRecords.record(1, "{");
        cutLine.fullBytes = 9999;
        assertRejected(cutLine, "value has 9999 bytes but the limit is 4096");
    }

    @Test
    void saysWhereTheBytesAreWrong() {
        WireRecord record = TestRecords.record(1, "{\"prompt\":\"x\",\"max_tokens\":\"many\"}");
        assertThatThrownBy(() -> decoder.decode(record))
                .hasMessageStartingWith("max_tokens: ")
                .hasCauseInstanceOf(WireException.class);
    }

    private static WireRecord.Header contentType(String value) {
        return new WireRecord.Header("content-type", value.getBytes(StandardCharsets.UTF_8));
    }

    private void assertRejected(WireRecord record, String message) {
        assertThatThrownBy(() -> decoder.decode(record))
                .hasMessageContaining(message)
                .asInstanceOf(InstanceOfAssertFactories.type(RejectedException.class))
                .returns(Stage.DECODE, RejectedException::stage)
                .returns(false, RejectedException::isRetriable);
    }
}
