package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code provenance.sampling}: an object with one entry per parameter really used, whose values are null, booleans,
 * numbers, strings, lists and maps of these. Any thread.
 */
final class SamplingJson {
    private SamplingJson() {}

    static void write(JsonGenerator out, @Nullable Object value) throws IOException {
        if (value instanceof Map<?, ?> map) {
            out.writeStartObject();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                out.writeFieldName(String.valueOf(e.getKey()));
                write(out, e.getValue());
            }
            out.writeEndObject();
        } else if (value instanceof Iterable<?> list) {
            out.writeStartArray();
            for (Object item : list) {
                write(out, item);
            }
            out.writeEndArray();
        } else if (value instanceof Float || value instanceof Double) {
            writeFloat(out, (Number) value);
        } else if (value instanceof Number) {
            out.writeNumber(value.toString());
        } else if (value instanceof Boolean bool) {
            out.writeBoolean(bool);
        } else {
            out.writeString(value == null ? null : value.toString());
        }
    }

    private static void writeFloat(JsonGenerator out, Number value) throws IOException {
        if (!Double.isFinite(value.doubleValue())) {
            out.writeNull();
        } else if (value instanceof Float f) {
            out.writeNumber(f);
        } else {
            out.writeNumber(value.doubleValue());
        }
    }

    static String toText(Map<String, Object> sampling) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = CompletionJson.generator(text)) {
            write(out, sampling);
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return text.toString();
    }

    static Map<String, Object> ofText(String text) throws WireException {
        try {
            return read(CompletionReader.parse(text.getBytes(StandardCharsets.UTF_8)));
        } catch (WireException e) {
            throw new WireException("provenance.sampling", -1, String.valueOf(e.getMessage()));
        }
    }

    /** Returns what an object holds, without its nulls; integers are {@code Integer} or {@code Long}, other numbers {@code Double}. */
    static Map<String, Object> read(JsonNode object) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> e : object.properties()) {
            Object value = value(e.getValue());
            if (value != null) {
                out.put(e.getKey(), value);
            }
        }
        return PromptDraft.frozen(out);
    }

    private static @Nullable Object value(JsonNode node) {
        return switch (node.getNodeType()) {
            case OBJECT -> read(node);
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                for (JsonNode item : node) {
                    Object value = value(item);
                    if (value != null) {
                        list.add(value);
                    }
                }
                yield list;
            }
            case NUMBER -> node.numberValue();
            case BOOLEAN -> node.booleanValue();
            case STRING -> node.textValue();
            default -> null;
        };
    }
}
