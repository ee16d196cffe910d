package io.millrace.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shipped file with one thing changed at a time. */
class TokenizerJsonTest {
    @TempDir
    Path folder;

    private Path file;
    private ObjectNode json;

    @BeforeEach
    void read() throws IOException {
        file = folder.resolve("tokenizer.json");
        json = (ObjectNode) TinyR1.MAPPER.readTree(Files.readString(TinyR1.TOKENIZER_JSON, StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "/truncation ~ {\"max_length\":8} ~ truncation isn't null",
                "/padding ~ {} ~ padding isn't null",
                "/normalizer ~ {\"type\":\"NFC\"} ~ normalizer is NFC",
                "/normalizer/normalizers ~ [{\"type\":\"NFC\"}] ~ normalizer is Sequence",
                "/post_processor ~ {\"type\":\"TemplateProcessing\"} ~ post_processor is TemplateProcessing",
                "/decoder ~ null ~ decoder is null",
                "/decoder ~ {\"type\":\"Metaspace\"} ~ decoder is Metaspace",
                "/model/type ~ \"WordPiece\" ~ model is WordPiece",
                "/model/dropout ~ 0.1 ~ model.dropout is 0.1",
                "/model/unk_token ~ \"<unk>\" ~ model.unk_token is \"<unk>\"",
                "/model/byte_fallback ~ true ~ model.byte_fallback is true",
                "/model/ignore_merges ~ true ~ model.ignore_merges is true",
                "/model/end_of_word_suffix ~ \"</w>\" ~ model.end_of_word_suffix is \"</w>\"",
                "/model/vocab ~ [] ~ model.vocab isn't an object",
                "/model/vocab/! ~ -1 ~ model.vocab gives \"!\" the id -1, limit 0 to 1,048,575",
                "/model/vocab/! ~ 1048576 ~ the id 1048576",
                "/model/vocab/! ~ \"3\" ~ the id \"3\"",
                "/model/vocab/! ~ 4 ~ model.vocab gives the id 4 to",
                "/model/vocab/語 ~ 600 ~ token \"語\" (id 600) isn't in byte letters",
                "/model/vocab/xy ~ 487 ~ token \"xy\" (id 487) is the added token \"<think>\", too",
                "/model/vocab/<think> ~ 600 ~ added token \"<think>\" has the id 487, but in model.vocab 600",
                "/model/merges ~ {} ~ model.merges isn't an array",
                "/model/merges/0 ~ \"a\" ~ merge 0 is \"a\" instead of two tokens",
                "/model/merges/0 ~ \"a b c\" ~ merge 0 is \"a b c\" instead of two tokens",
                "/model/merges/1 ~ [\"a\",\"語\"] ~ merge 1 needs \"語\", which model.vocab lacks",
                "/model/merges/3 ~ \"o u\" ~ model.merges: merge",
                "/pre_tokenizer ~ {\"type\":\"ByteLevel\"} ~ pre_tokenizer is ByteLevel",
                "/pre_tokenizer/pretokenizers/0 ~ {\"type\":\"Digits\"} ~ pre_tokenizer step 0 is Digits",
                "/pre_tokenizer/pretokenizers/1/behavior ~ \"Removed\" ~ pre_tokenizer step 1 has the behavior \"Removed\"",
                "/pre_tokenizer/pretokenizers/1/invert ~ true ~ pre_tokenizer step 1 is inverted",
                "/pre_tokenizer/pretokenizers/2/pattern ~ {\"String\":\" \"} ~ pre_tokenizer step 2 has no pattern.Regex",
                "/pre_tokenizer/pretokenizers/2/pattern/Regex ~ \"(a|b)+\" ~ pre_tokenizer step 2: its regex has a group that repeats",
                "/pre_tokenizer/pretokenizers/3/add_prefix_space ~ true ~ add_prefix_space other than false",
                "/pre_tokenizer/pretokenizers/3/type ~ \"Split\" ~ the last pre_tokenizer step is Split",
                "/added_tokens/3/content ~ \"\" ~ an added token has 0 characters, limit 1 to 256",
                "/added_tokens/3/lstrip ~ true ~ added token \"<think>\" has lstrip",
                "/added_tokens/3/id ~ 488 ~ added token \"</think>\" repeats another's content or id 488",
                "/added_tokens/3/id ~ 4 ~ (id 4) is the added token \"<think>\", too",
            })
    void refusesWhatItDoesNotDo(String pointer, String value, String problem) throws IOException {
        replace(JsonPointer.compile(pointer), TinyR1.MAPPER.readTree(value));
        write(json.toString());

        assertThatThrownBy(() -> Tokenizer.load(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(problem);
    }

    private void replace(JsonPointer at, JsonNode value) {
        JsonNode parent = json.at(at.head());
        if (parent instanceof ArrayNode array) {
            array.set(at.last().getMatchingIndex(), value);
        } else {
            ((ObjectNode) parent).set(at.last().getMatchingProperty(), value);
        }
    }

    private void write(String text) throws IOException {
        Files.writeString(file, text, StandardCharsets.UTF_8);
    }

    @Test
    void acceptsMergesAsPairs() throws IOException {
        ArrayNode merges = (ArrayNode) json.at("/model/merges");
        for (int i = 0; i < merges.size(); i++) {
            String[] parts = merges.get(i).textValue().split(" ");
            merges.set(i, TinyR1.MAPPER.createArrayNode().add(parts[0]).add(parts[1]));
        }
        write(json.toString());
        String text = "What is the remainder of the answer?";

        assertThat(Tokenizer.load(file).encode(text, false))
                .isEqualTo(TinyR1.tokenizer().encode(text, false));
    }

    @Test
    void refusesAVocabularyWithoutAByte() throws IOException {
        ((ObjectNode) json.at("/model/vocab")).remove("ÿ");
        write(json.toString());

        assertThatThrownBy(() -> Tokenizer.load(file))
                .hasMessageContaining("model.vocab lacks the letter \"ÿ\" of byte 255");
    }

    @Test
    void refusesWhatIsNoJsonObject() throws IOException {
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("can't be read (NoSuchFileException)");
        write("{\"a\": 1, \"a\": 2}");
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("isn't valid JSON (Duplicate field 'a'");
        write("{} {}");
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("isn't valid JSON");
        write("[".repeat(100_000));
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("isn't valid JSON");
        write("[]");
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("isn't a JSON object");
        write("");
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("isn't a JSON object");
        try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
            large.setLength(TokenizerJson.MAX_BYTES + 1L);
        }
        assertThatThrownBy(() -> Tokenizer.load(file)).hasMessageContaining("has more than 67,108,864 bytes");
    }
}
