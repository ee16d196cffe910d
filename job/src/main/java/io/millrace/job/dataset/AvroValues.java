package io.millrace.job.dataset;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Avro's values as JSON and back. Bytes are base64 text; logical types are the numbers below them. Any thread. */
final class AvroValues {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private AvroValues() {}

    static ObjectNode toJson(IndexedRecord row) {
        ObjectNode json = JSON.objectNode();
        for (Schema.Field field : row.getSchema().getFields()) {
            json.set(field.name(), valueToJson(row.get(field.pos())));
        }
        return json;
    }

    private static JsonNode valueToJson(@Nullable Object value) {
        if (value == null) {
            return JSON.nullNode();
        } else if (value instanceof IndexedRecord record) {
            return toJson(record);
        } else if (value instanceof Integer i) {
            return JSON.numberNode(i);
        } else if (value instanceof Long l) {
            return JSON.numberNode(l);
        } else if (value instanceof Float f) {
            return JSON.numberNode(f);
        } else if (value instanceof Double d) {
            return JSON.numberNode(d);
        } else if (value instanceof Boolean b) {
            return JSON.booleanNode(b);
        } else if (value instanceof ByteBuffer bytes) {
            return JSON.textNode(
                    new String(Base64.getEncoder().encode(bytes.duplicate()).array(), ISO_8859_1));
        } else if (value instanceof GenericFixed fixed) {
            return JSON.textNode(Base64.getEncoder().encodeToString(fixed.bytes()));
        } else if (value instanceof Collection<?> list) {
            ArrayNode array = JSON.arrayNode();
            list.forEach(e -> array.add(valueToJson(e)));
            return array;
        } else if (value instanceof Map<?, ?> map) {
            ObjectNode object = JSON.objectNode();
            map.forEach((k, v) -> object.set(String.valueOf(k), valueToJson(v)));
            return object;
        }
        return JSON.textNode(value.toString()); // Utf8, String, enum symbols
    }

    /**
     * Returns the value of a column.
     *
     * @param type what the column holds; {@code STRING} takes anything: text as it is, else JSON
     */
    static @Nullable Object fromJson(@Nullable JsonNode json, Schema.Type type) {
        if (json == null || json.isNull() || json.isMissingNode()) {
            return null;
        }
        return switch (type) {
            case INT -> json.intValue();
            case LONG -> json.longValue();
            case BOOLEAN -> json.booleanValue();
            // NaN and the infinities are text in JSON
            case FLOAT -> json.isTextual() ? Float.valueOf(json.textValue()) : Float.valueOf(json.floatValue());
            case DOUBLE -> json.isTextual() ? Double.valueOf(json.textValue()) : Double.valueOf(json.doubleValue());
            default -> json.isTextual() ? json.textValue() : json.toString();
        };
    }
}
