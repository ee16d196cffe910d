package io.millrace.engine.text;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads a small JSON file of a model folder whole. Stateless; any thread. */
final class JsonFile {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonFile() {}

    /**
     * Returns the file's object.
     *
     * @param maxBytes more than that is refused before it is parsed
     * @throws ConfigException if it can't be read, is too large, or isn't one JSON object
     */
    static JsonNode read(Path file, int maxBytes) {
        JsonNode root;
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw new ConfigException(String.format(
                        "%s: has more than %,d bytes, which no known model's has: check the model folder",
                        file, maxBytes));
            }
            root = MAPPER.readTree(bytes);
        } catch (JacksonException e) {
            throw new ConfigException(
                    String.format("%s: isn't valid JSON (%s): download it again", file, e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new ConfigException(
                    String.format(
                            "%s: can't be read (%s): check the model folder",
                            file, e.getClass().getSimpleName()),
                    e);
        }
        if (!root.isObject()) {
            throw new ConfigException(file + ": isn't a JSON object: download it again");
        }
        return root;
    }
}
