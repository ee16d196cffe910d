package io.millrace.engine.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An object of a JSON file in a model folder, read within bounds. Every complaint is one line and names the file and the key.
 * Immutable; any thread.
 */
final class JsonFile {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .build();

    private final String fileName;
    /** Path of the object inside the file, empty or ending in a dot. */
    private final String prefix;

    private final JsonNode object;

    private JsonFile(String fileName, String prefix, JsonNode object) {
        this.fileName = fileName;
        this.prefix = prefix;
        this.object = object;
    }

    /**
     * Reads a file.
     *
     * @param maxBytes larger files are refused unread
     */
    static JsonFile read(Path file, long maxBytes) {
        String fileName = String.valueOf(file.getFileName());
        try {
            long bytes = Files.size(file);
            if (bytes > maxBytes) {
                throw new ConfigException(String.format(
                        Locale.ROOT,
                        "%s has %,d bytes but at most %,d are read: is it the right file?",
                        fileName,
                        bytes,
                        maxBytes));
            }
            return parse(fileName, Files.readAllBytes(file));
        } catch (IOException e) {
            throw new ConfigException(file + " can't be read: " + e, e);
        }
    }

    /** Parses the bytes of a file. */
    static JsonFile parse(String fileName, byte[] json) {
        try {
            JsonNode root = MAPPER.readTree(json);
            if (!root.isObject()) {
                throw new ConfigException(fileName + " holds no JSON object");
            }
            return new JsonFile(fileName, "", root);
        } catch (JsonProcessingException e) {
            throw new ConfigException(
                    fileName + " is no valid JSON: "
                            + e.getOriginalMessage().replace('\n', ' ') + " (line "
                            + e.getLocation().getLineNr() + ")",
                    e);
        } catch (IOException e) {
            throw new ConfigException(fileName + " can't be read: " + e, e);
        }
    }

    String fileName() {
        return fileName;
    }

    /** Returns whether the key is there and not null. */
    boolean has(String key) {
        return object.hasNonNull(key);
    }

    /** Returns the keys in file order. */
    List<String> keys() {
        List<String> keys = new ArrayList<>();
        object.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    /** Returns an object inside this one. */
    JsonFile object(String key) {
        JsonNode node = required(key);
        if (!node.isObject()) {
            throw refuse(key, node, "an object");
        }
        return new JsonFile(fileName, prefix + key + ".", node);
    }

    /** Returns a whole number from {@code low} to {@code high}. */
    int integer(String key, int low, int high) {
        JsonNode node = required(key);
        if (!node.canConvertToExactIntegral()
                || !node.canConvertToInt()
                || node.intValue() < low
                || node.intValue() > high) {
            throw refuse(key, node, String.format(Locale.ROOT, "a whole number from %,d to %,d", low, high));
        }
        return node.intValue();
    }

    int integerOr(String key, int low, int high, int absent) {
        return has(key) ? integer(key, low, high) : absent;
    }

    /** Returns a finite number from {@code low} to {@code high}. */
    double number(String key, double low, double high) {
        JsonNode node = required(key);
        if (!node.isNumber() || !(node.doubleValue() >= low && node.doubleValue() <= high)) {
            throw refuse(key, node, "a number from " + low + " to " + high);
        }
        return node.doubleValue();
    }

    /** Returns the number, or null if nothing is said. */
    @Nullable
    Double numberOrNull(String key) {
        return has(key) ? number(key, -Double.MAX_VALUE, Double.MAX_VALUE) : null;
    }

    /** Returns the whole number, or null if nothing is said. */
    @Nullable
    Integer integerOrNull(String key) {
        return has(key) ? integer(key, Integer.MIN_VALUE, Integer.MAX_VALUE) : null;
    }

    boolean bool(String key) {
        JsonNode node = required(key);
        if (!node.isBoolean()) {
            throw refuse(key, node, "true or false");
        }
        return node.booleanValue();
    }

    String text(String key) {
        JsonNode node = required(key);
        if (!node.isTextual()) {
            throw refuse(key, node, "a string");
        }
        return node.textValue();
    }

    /** Returns a list of strings. */
    List<String> texts(String key) {
        JsonNode node = required(key);
        List<String> texts = new ArrayList<>();
        for (JsonNode item : node) {
            if (!item.isTextual()) {
                throw refuse(key, node, "a list of strings");
            }
            texts.add(item.textValue());
        }
        return texts;
    }

    /** Returns token ids: one number or a list, each from 0 to {@code high}; empty if nothing is said. */
    List<Integer> ids(String key, int high) {
        if (!has(key)) {
            return List.of();
        }
        JsonNode node = required(key);
        List<Integer> ids = new ArrayList<>();
        for (JsonNode item : node.isArray() ? node : List.of(node)) {
            if (!item.canConvertToExactIntegral()
                    || !item.canConvertToInt()
                    || item.intValue() < 0
                    || item.intValue() > high) {
                throw refuse(key, node, String.format(Locale.ROOT, "an id or a list of ids, each from 0 to %,d", high));
            }
            ids.add(item.intValue());
        }
        return List.copyOf(ids);
    }

    /** Refuses unless the key is absent or has that value. */
    void onlyIf(String key, Object value) {
        if (has(key) && !object.get(key).asText().equals(value.toString())) {
            throw refuse(key, object.get(key), value.toString());
        }
    }

    /** Makes the complaint about a key's value. */
    ConfigException refuse(String key, Object actual, String must) {
        String shown = actual.toString();
        return new ConfigException(fileName + ": " + prefix + key + " is "
                + (shown.length() > 80 ? shown.substring(0, 80) + "…" : shown) + " but must be " + must);
    }

    private JsonNode required(String key) {
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            throw new ConfigException(fileName + ": key " + prefix + key + " is missing");
        }
        return node;
    }
}
