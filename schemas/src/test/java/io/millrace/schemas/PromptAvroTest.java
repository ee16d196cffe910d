package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.millrace.schemas.avro.MessageRecord;
import io.millrace.schemas.avro.PromptRecord;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.message.BinaryMessageEncoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The oracle of what is on the wire is Avro's own message encoder over generic records of the published schema. */
class PromptAvroTest {
    static final Schema SCHEMA = published("prompt.avsc");

    static Schema published(String name) {
        try {
            return new Schema.Parser().parse(new File("src/main/avro/" + name));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A publisher that has only the schema. */
    private static byte[] published(Consumer<GenericData.Record> change) throws IOException {
        GenericData.Record r = new GenericData.Record(SCHEMA);
        r.put("raw", false);
        r.put("return_token_ids", false);
        r.put("stream", false);
        r.put("priority", 0);
        r.put("metadata", Map.of());
        r.put("prompt", "x");
        change.accept(r);
        ByteBuffer bytes = new BinaryMessageEncoder<GenericData.Record>(GenericData.get(), SCHEMA).encode(r);
        byte[] out = new byte[bytes.remaining()];
        bytes.get(out);
        return out;
    }

    private static WireException error(byte[] value) {
        return catchThrowableOfType(WireException.class, () -> PromptAvro.decode(value, WireLimits.DEFAULT));
    }

    @Test
    void readsWhatAPublisherWrote() throws Exception {
        GenericData.Record message = new GenericData.Record(
                SCHEMA.getField("messages").schema().getTypes().get(1).getElementType());
        message.put("role", "developer");
        message.put("content", "6·7 😀");
        Prompt p = PromptAvro.decode(
                published(r -> {
                    r.put("prompt", null);
                    r.put("messages", List.of(message));
                    r.put("id", "q-1");
                    r.put("seed", Long.MIN_VALUE);
                    r.put("temperature", 0.6);
                    r.put("logit_bias", Map.of("17", 1.5));
                    r.put("stop", List.of("a", "b"));
                    r.put("metadata", Map.of("b", "1", "a", "2"));
                    r.put("deadline_ms", 5L);
                    r.put("priority", -1);
                }),
                WireLimits.DEFAULT);

        assertThat(p.form()).isEqualTo(Prompt.Form.AVRO);
        assertThat(p.id()).isEqualTo("q-1");
        assertThat(p.messages()).containsExactly(new Prompt.Message("system", "6·7 😀"));
        assertThat(p.sampling().seed()).isEqualTo(Long.MIN_VALUE);
        assertThat(p.sampling().temperature()).isEqualTo(0.6);
        assertThat(p.sampling().logitBias()).containsExactly(Map.entry(17, 1.5));
        assertThat(p.sampling().stop()).containsExactly("a", "b");
        assertThat(p.sampling().maxTokens()).isNull();
        assertThat(p.metadata()).containsExactly(Map.entry("a", "2"), Map.entry("b", "1"));
        assertThat(p.deadlineMs()).isEqualTo(5L);
        assertThat(p.priority()).isEqualTo(-1);
    }

    @Test
    void writesWhatAvroItselfWrites() throws Exception {
        Prompt raw = PromptJsonTest.decode("{\"prompt\":\"x\",\"top_p\":0.5}");

        assertThat(PromptAvro.encode(raw)).isEqualTo(published(r -> r.put("top_p", 0.5)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                PromptJsonTest.EVERYTHING,
                "{\"id\":\"r\",\"prompt\":\"<think>\",\"raw\":true}",
                "{\"prompt\":[1,2,2147483647]}",
                "{\"id\":\"p\",\"program\":[{\"gen\":\"é\"}],\"seed\":4}",
                "{\"custom_id\":\"c\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}}"
            })
    void jsonToAvroAndBackKeepsEverything(String json) throws WireException {
        Prompt p = PromptJsonTest.decode(json);

        Prompt back = PromptAvro.decode(PromptAvro.encode(p), WireLimits.DEFAULT);

        assertThat(back)
                .usingRecursiveComparison()
                .ignoringFields("form", "customId")
                .isEqualTo(p);
        assertThat(back.form()).isEqualTo(Prompt.Form.AVRO);
        assertThat(PromptAvro.encode(back)).isEqualTo(PromptAvro.encode(p));
    }

    /** Written once by this version; every later version must read it. */
    @Test
    void readsTheBytesOfVersion1() throws Exception {
        byte[] value = HexFormat.of()
                .parseHex(new String(getClass()
                                .getResourceAsStream("/compat/prompt-v1.hex")
                                .readAllBytes())
                        .strip());

        assertThat(PromptAvro.decode(value, WireLimits.DEFAULT))
                .usingRecursiveComparison()
                .ignoringFields("form")
                .isEqualTo(PromptJsonTest.decode(PromptJsonTest.EVERYTHING));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "prompt | '' | messages | is missing: give messages, or prompt",
                "prompt_token_ids | [1] | prompt | is given twice",
                "messages | [] | messages | is empty: give at least one message",
                "id | s | id | is empty: leave it out",
                "tenant | long | tenant | has 300 bytes but the limit is 256",
                "temperature | nan | temperature | NaN is not finite",
                "top_p | inf | top_p | Infinity is not finite",
                "logit_bias | bias | logit_bias | \"-1\" is no token id",
                "top_logprobs | 3 | top_logprobs | 3 needs logprobs: true",
                "metadata | many | metadata | has 301 entries but the limit is 300: send fewer"
            })
    void refusesWhatJsonRefuses(String field, String value, String path, String reason) throws IOException {
        Map<String, String> many = new HashMap<>();
        for (int i = 0; i < 301; i++) {
            many.put("k" + i, "");
        }
        Map<String, Object> values = new HashMap<>();
        values.put("", null);
        values.put("[1]", List.of(1));
        values.put("[]", List.of());
        values.put("s", "");
        values.put("long", "x".repeat(300));
        values.put("nan", Double.NaN);
        values.put("inf", Double.POSITIVE_INFINITY);
        values.put("bias", Map.of("-1", 1.0));
        values.put("3", 3);
        values.put("many", many);

        WireException e = error(published(r -> r.put(field, values.get(value.replace("'", "")))));

        assertThat(e).hasMessageContaining(reason);
        assertThat(e.field()).isEqualTo(path);
    }

    @Test
    void refusesUnknownRolesAndTooManyMessages() {
        PromptRecord record = PromptRecord.newBuilder()
                .setMessages(List.of(new MessageRecord("user", "x"), new MessageRecord("tool", "x")))
                .build();
        assertThat(error(new AvroCodec<PromptRecord>(SCHEMA, "prompt-1.avsc").encode(record)))
                .hasMessage("messages[1].role: \"tool\" is no known role: use system, developer, user or assistant");

        List<MessageRecord> many = new ArrayList<>();
        for (int i = 0; i < 4097; i++) {
            many.add(new MessageRecord("user", "x"));
        }
        record.setMessages(many);
        assertThat(error(new AvroCodec<PromptRecord>(SCHEMA, "prompt-1.avsc").encode(record)))
                .hasMessage("messages: has 4097 messages but the limit is 4096: send fewer");
    }

    @Test
    void refusesAForeignSchema() throws IOException {
        Schema foreign = new Schema.Parser()
                .parse(
                        "{\"type\":\"record\",\"name\":\"PromptRecord\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}");
        GenericData.Record r = new GenericData.Record(foreign);
        r.put("id", "q");
        ByteBuffer bytes = new BinaryMessageEncoder<GenericData.Record>(GenericData.get(), foreign).encode(r);
        byte[] value = new byte[bytes.remaining()];
        bytes.get(value);

        assertThat(error(value))
                .hasMessageMatching(
                        "was written with the schema of fingerprint [0-9a-f]{16}, but PromptRecord is [0-9a-f]{16}: use our .avsc \\(at byte 2\\)");
        assertThat(error(CompletionAvro.encode(Completions.full(Prompt.Form.CHAT))))
                .hasMessageContaining("was written with the schema of fingerprint");
    }

    @Test
    void refusesWhatIsNoAvro() {
        String reason = "is not Avro's single-object encoding (c3 01 and the schema's fingerprint): check content-type";
        assertThat(error(utf8("{\"prompt\":\"x\",\"id\":\"q\"}"))).hasMessageContaining(reason);
        assertThat(error(new byte[] {(byte) 0xc3, 1, 0})).hasMessageContaining(reason);
        assertThat(error(new byte[] {0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6})).hasMessageContaining(reason);
        assertThat(error(new byte[0])).hasMessageContaining("the value is empty");
        assertThat(error(null)).hasMessageContaining("the record has no value");
        assertThat(error(new byte[5 << 20])).hasMessageContaining("has 5,242,880 bytes but the limit is 1,048,576");
    }

    @Test
    void refusesEveryTruncationAndAnyTrailingByte() throws Exception {
        byte[] value = PromptAvro.encode(PromptJsonTest.decode(PromptJsonTest.EVERYTHING));
        for (int length = 0; length < value.length; length++) {
            assertThat(error(Arrays.copyOf(value, length)))
                    .as("%d bytes", length)
                    .isNotNull();
        }
        assertThat(error(Arrays.copyOf(value, value.length + 3)))
                .hasMessage("3 bytes trail the record (at byte " + value.length + ")");
    }

    /** Each ends the header and {@code id} = null, {@code model} = null with a hostile rest. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "04 | id | union branch 2 isn't one of 2",
                "01 | id | union branch -1 isn't one of 2",
                "02 fe ff ff ff 0f | id | a length of 2,147,483,647, but 0 bytes are left",
                "02 01 | id | a length of -1",
                "02 fe ff ff ff ff ff ff ff ff 01 | id | a length of 9,223,372,036,854,775,807",
                "02 ff ff ff ff ff ff ff ff ff 7f | id | a number of more than 64 bits",
                "02 ff ff ff ff ff ff ff ff ff ff 01 | id | a number of more than 64 bits",
                "02 04 c3 | id | a length of 2, but 1 bytes are left",
                "02 04 c3 28 | id | is not UTF-8: byte 0xc3",
                "02 02 ff | id | is not UTF-8: byte 0xff",
                "00 00 02 fe ff ff ff 0f | messages[0] | a block of 2,147,483,647 items, but 0 bytes are left",
                "00 00 02 ff ff ff ff ff ff ff ff ff 01 02 00 | messages[0] | a block of 9,223,372,036,854,775,807 items",
                "00 00 02 01 fe ff ff ff 0f | messages[0] | a length of 2,147,483,647",
                "00 00 02 01 02 02 61 02 62 00 | messages[1] | a block ends here but was announced to end at byte 16",
                "00 00 02 02 02 61 | messages[0].content | ends early: 1 bytes wanted, 0 left",
                "00 00 00 00 02 02 fe ff ff ff 1f 00 | prompt_token_ids[0] | 4294967295 is beyond 32 bits",
                "00 00 00 00 02 02 80 80 80 80 80 00 00 | prompt_token_ids[0] | 0 is written in 6 bytes, but 32 bits take 5 at most",
                "80 80 80 80 80 00 | id | 0 is written in 6 bytes, but 32 bits take 5 at most",
                "00 00 00 02 02 78 00 02 | raw | 2 is no boolean"
            })
    void refusesHostileBytes(String hex, String field, String reason) throws Exception {
        ByteArrayOutputStream value = new ByteArrayOutputStream();
        value.write(PromptAvro.encode(PromptJsonTest.decode("{\"prompt\":\"x\"}")), 0, 10);
        value.writeBytes(HexFormat.ofDelimiter(" ").parseHex(hex.strip()));

        WireException e = error(value.toByteArray());

        assertThat(e).isNotNull();
        assertThat(e.field()).isEqualTo(field);
        assertThat(e).hasMessageContaining(reason);
        assertThat(e.offset()).isGreaterThanOrEqualTo(10);
    }

    /** Avro allows several blocks, with their bytes announced or not. */
    @Test
    void readsBlocksOfAllKinds() throws Exception {
        ByteArrayOutputStream value = new ByteArrayOutputStream();
        byte[] plain = PromptAvro.encode(PromptJsonTest.decode("{\"prompt\":[1,2,3,4]}"));
        // header, id, model, messages, prompt: null; the union's branch; one block of 4; then the rest
        assertThat(HexFormat.of().formatHex(plain, 10, 21)).isEqualTo("00000000" + "02" + "0802040608" + "00");
        value.write(plain, 0, 15);
        value.writeBytes(
                HexFormat.of().parseHex("0202" + "03040406" + "0208" + "00")); // 1, then 2 and 3 with bytes, then 4
        value.write(plain, 21, plain.length - 21);

        assertThat(PromptAvro.decode(value.toByteArray(), WireLimits.DEFAULT).tokenIds())
                .containsExactly(1, 2, 3, 4);
    }

    @Test
    void textsLongerThanTheCheckersBufferAreChecked() throws Exception {
        byte[] value = published(r -> r.put("prompt", "é😀".repeat(1_000)));
        assertThatCode(() -> PromptAvro.decode(value, WireLimits.DEFAULT)).doesNotThrowAnyException();
        value[4_000] = (byte) 0xff;

        WireException e = error(value);

        assertThat(e.field()).isEqualTo("prompt");
        assertThat(e).hasMessageContaining("is not UTF-8");
        assertThat(e.offset()).isBetween(3_990L, 4_000L);
    }
}
