package io.millrace.engine.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

/** The shipped model's text files and goldens; tests run in the module's folder. */
final class TinyR1 {
    static final Path FOLDER = Path.of("..", "models", "tiny-r1");
    static final Path TOKENIZER_JSON = FOLDER.resolve("tokenizer.json");
    static final Path TOKENIZER_CONFIG_JSON = FOLDER.resolve("tokenizer_config.json");
    static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Tokenizer TOKENIZER = Tokenizer.load(TOKENIZER_JSON);

    private TinyR1() {}

    static Tokenizer tokenizer() {
        return TOKENIZER;
    }

    static ChatTemplate template() {
        return ChatTemplate.of(TOKENIZER, TOKENIZER_CONFIG_JSON);
    }

    static List<JsonNode> lines(String name) {
        try {
            List<JsonNode> out = new ArrayList<>();
            for (String line : Files.readAllLines(FOLDER.resolve(name), StandardCharsets.UTF_8)) {
                out.add(MAPPER.readTree(line));
            }
            return out;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int[] ids(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::intValue)
                .toArray();
    }
}
