package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageDecoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CompletionAvroTest {
    private static final Schema SCHEMA = PromptAvroTest.published("completion.avsc");

    @Test
    void aConsumerWithTheSchemaReadsIt() throws Exception {
        GenericRecord r = new BinaryMessageDecoder<GenericRecord>(GenericData.get(), SCHEMA)
                .decode(CompletionAvro.encode(Completions.full(Prompt.Form.CHAT)));

        assertThat(r.get("id")).hasToString("q-1");
        assertThat(r.get("custom_id")).isNull();
        assertThat(r.get("created")).isEqualTo(1_767_225_600L);
        assertThat(r.get("prompt_token_ids")).isEqualTo(List.of(0, 5, 2_000_000_000));
        GenericRecord first = (GenericRecord) ((List<?>) r.get("choices")).get(0);
        assertThat(first.get("content")).hasToString("42 😀");
        assertThat(first.get("text")).hasToString("<think>6·7\tis</think>42 😀");
        assertThat(first.get("finish_reason")).hasToString("stop");
        GenericRecord token = (GenericRecord) ((List<?>) first.get("logprobs")).get(0);
        assertThat(token.get("logprob")).isEqualTo(-0.1f);
        GenericRecord top = (GenericRecord) ((List<?>) token.get("top_logprobs")).get(1);
        assertThat(top.get("bytes")).isEqualTo(ByteBuffer.wrap(new byte[] {(byte) 0xf0, (byte) 0x9f}));
        GenericRecord usage = (GenericRecord) r.get("usage");
        assertThat(usage.get("cached_tokens")).isEqualTo(4);
        GenericRecord provenance = (GenericRecord) r.get("provenance");
        assertThat(provenance.get("sampling"))
                .hasToString("{\"temperature\":0.6,\"top_k\":20,\"stop\":[\"é\\n\"],\"ignore_eos\":false,"
                        + "\"logit_bias\":{\"5\":1.5}}");
        assertThat(provenance.get("seed")).isEqualTo(-7L);
        assertThat(provenance.get("ttft_ms")).isEqualTo(12.5);
    }

    @ParameterizedTest
    @EnumSource(Prompt.Form.class)
    void readsWhatItWrote(Prompt.Form form) throws WireException {
        for (Completion c : List.of(Completions.full(form), Completions.small(form), Completions.ofProgram(form))) {
            Completion back = CompletionAvro.decode(CompletionAvro.encode(c));

            Completions.assertSame(back, c, "form");
            assertThat(back.form()).isEqualTo(Prompt.Form.AVRO);
            assertThat(CompletionAvro.encode(back)).isEqualTo(CompletionAvro.encode(c));
        }
    }

    @Test
    void readsTheBytesOfVersion1() throws Exception {
        byte[] value = HexFormat.of()
                .parseHex(new String(getClass()
                                .getResourceAsStream("/compat/completion-v1.hex")
                                .readAllBytes())
                        .strip());

        Completions.assertSame(CompletionAvro.decode(value), Completions.full(Prompt.Form.AVRO));
    }

    @Test
    void refusesWhatIsNoCompletion() {
        byte[] value = CompletionAvro.encode(Completions.full(Prompt.Form.CHAT));
        for (int length = 0; length < value.length; length++) {
            byte[] cut = Arrays.copyOf(value, length);
            assertThatThrownBy(() -> CompletionAvro.decode(cut)).isInstanceOf(WireException.class);
        }
        assertThatThrownBy(() -> CompletionAvro.decode(null)).isInstanceOf(WireException.class);
        assertThatThrownBy(() -> CompletionAvro.decode(utf8("{\"id\":\"q-1\"}")))
                .isInstanceOf(WireException.class);
    }

    @Test
    void refusesASamplingThatIsNoJson() {
        byte[] value = CompletionAvro.encode(Completions.small(Prompt.Form.CHAT));
        int at = value.length - 1;
        while (value[at] != '{') {
            at--;
        }
        value[at] = '[';

        assertThatThrownBy(() -> CompletionAvro.decode(value))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("provenance.sampling: is not valid JSON");
    }
}
