package io.millrace.engine.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Says whether a value that {@code enum} or {@code const} lists meets the rest of the schema. One thread. */
final class SchemaCheck {
    private static final int MAX_DEPTH = 100;

    private final Function<String, JsonNode> targetOfRef;
    private int depth;

    SchemaCheck(Function<String, JsonNode> targetOfRef) {
        this.targetOfRef = targetOfRef;
    }

    boolean isValid(JsonNode value, JsonNode schema) {
        if (++depth > MAX_DEPTH) {
            throw new StructureException("a value of enum or const meets schemas nested deeper than " + MAX_DEPTH
                    + ": take anyOf and $ref beside enum and const out");
        }
        boolean isValid = schema.isBoolean() ? schema.booleanValue() : meetsAll(value, schema);
        depth--;
        return isValid;
    }

    private boolean meetsAll(JsonNode value, JsonNode schema) {
        JsonNode ref = schema.get("$ref");
        if (ref != null && !isValid(value, targetOfRef.apply(ref.asText()))) {
            return false;
        }
        for (JsonNode all : schema.path("allOf")) {
            if (!isValid(value, all)) {
                return false;
            }
        }
        JsonNode anyOf = schema.get("anyOf");
        if (anyOf != null && none(anyOf, option -> isValid(value, option))) {
            return false;
        }
        JsonNode values = schema.get("enum");
        JsonNode only = schema.get("const");
        return (values == null || !none(values, v -> isSame(v, value)))
                && (only == null || isSame(only, value))
                && hasType(value, schema.get("type"))
                && meetsOwnKind(value, schema);
    }

    private static boolean none(JsonNode list, Predicate<JsonNode> test) {
        for (JsonNode item : list) {
            if (test.test(item)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSame(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return a.decimalValue().compareTo(b.decimalValue()) == 0;
        }
        return a.equals(b);
    }

    private static boolean hasType(JsonNode value, @Nullable JsonNode type) {
        if (type == null) {
            return true;
        }
        List<String> names = new ArrayList<>();
        (type.isArray() ? type : List.of(type)).forEach(n -> names.add(n.asText()));
        return switch (value.getNodeType()) {
            case OBJECT -> names.contains("object");
            case ARRAY -> names.contains("array");
            case STRING -> names.contains("string");
            case BOOLEAN -> names.contains("boolean");
            case NULL -> names.contains("null");
            default -> names.contains("number") || (names.contains("integer") && value.isIntegralNumber());
        };
    }

    private boolean meetsOwnKind(JsonNode value, JsonNode schema) {
        return switch (value.getNodeType()) {
            case OBJECT -> meetsObject(value, schema);
            case ARRAY -> meetsArray(value, schema);
            case STRING -> meetsString(value.textValue(), schema);
            case NUMBER ->
                isAtLeast(value, schema, "minimum", 0)
                        && isAtLeast(value, schema, "exclusiveMinimum", 1)
                        && isAtMost(value, schema, "maximum", 0)
                        && isAtMost(value, schema, "exclusiveMaximum", -1);
            default -> true;
        };
    }

    private static boolean isAtLeast(JsonNode value, JsonNode schema, String keyword, int least) {
        JsonNode bound = schema.get(keyword);
        return bound == null || value.decimalValue().compareTo(bound.decimalValue()) >= least;
    }

    private static boolean isAtMost(JsonNode value, JsonNode schema, String keyword, int most) {
        JsonNode bound = schema.get(keyword);
        return bound == null || value.decimalValue().compareTo(bound.decimalValue()) <= most;
    }

    private static boolean isWithin(int count, JsonNode schema, String min, String max) {
        return count >= schema.path(min).asInt(0) && count <= schema.path(max).asInt(Integer.MAX_VALUE);
    }

    private static boolean meetsString(String value, JsonNode schema) {
        JsonNode pattern = schema.get("pattern");
        return isWithin(value.codePointCount(0, value.length()), schema, "minLength", "maxLength")
                && (pattern == null
                        || CharNfa.of(RegexParser.search(pattern.asText())).matches(value));
    }

    private boolean meetsArray(JsonNode value, JsonNode schema) {
        JsonNode prefix = schema.path("prefixItems");
        JsonNode items = schema.get("items");
        for (int i = 0; i < value.size(); i++) {
            JsonNode own = i < prefix.size() ? prefix.get(i) : items;
            if (own != null && !isValid(value.get(i), own)) {
                return false;
            }
        }
        return isWithin(value.size(), schema, "minItems", "maxItems");
    }

    private boolean meetsObject(JsonNode value, JsonNode schema) {
        for (JsonNode name : schema.path("required")) {
            if (!value.has(name.asText())) {
                return false;
            }
        }
        JsonNode others = schema.get("additionalProperties");
        return value.properties().stream().allMatch(e -> {
            JsonNode own = schema.path("properties").get(e.getKey());
            JsonNode wanted = own != null ? own : others;
            return wanted == null || isValid(e.getValue(), wanted);
        });
    }
}
