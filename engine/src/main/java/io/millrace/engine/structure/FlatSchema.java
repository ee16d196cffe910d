package io.millrace.engine.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What several schemas say together about one value, none of them with a {@code $ref}, {@code allOf} or {@code anyOf} of its own. One
 * thread.
 */
final class FlatSchema {
    /** Kinds of JSON values; an integer is a number, too. */
    enum Type {
        OBJECT,
        ARRAY,
        STRING,
        NUMBER,
        INTEGER,
        BOOLEAN,
        NULL;

        /** Returns the keywords that constrain only values of this kind. */
        List<String> keywords() {
            return switch (this) {
                case OBJECT -> List.of("properties", "required", "additionalProperties");
                case ARRAY -> List.of("items", "prefixItems", "minItems", "maxItems");
                case STRING -> List.of("minLength", "maxLength", "pattern");
                case NUMBER -> List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
                case INTEGER, BOOLEAN, NULL -> List.of();
            };
        }
    }

    private final List<JsonNode> parts;
    final Set<Type> types;

    private FlatSchema(List<JsonNode> parts, Set<Type> types) {
        this.parts = parts;
        this.types = types;
    }

    /** Returns what the object schemas say together. */
    static FlatSchema of(List<JsonNode> parts) {
        Set<Type> types = EnumSet.allOf(Type.class);
        boolean isTyped = false;
        for (JsonNode part : parts) {
            JsonNode type = part.get("type");
            if (type != null) {
                isTyped = true;
                types.retainAll(types(type));
            }
        }
        if (types.contains(Type.NUMBER)) {
            types.remove(Type.INTEGER);
        }
        if (!isTyped) {
            Set<Type> implied = implied(parts);
            if (!implied.isEmpty()) {
                types = implied;
            }
        }
        return new FlatSchema(parts, types);
    }

    /** Without a type, keywords of a kind of value say which kind is meant; a value of another kind would be valid, too. */
    private static Set<Type> implied(List<JsonNode> parts) {
        Set<Type> out = EnumSet.noneOf(Type.class);
        for (Type type : Type.values()) {
            if (parts.stream().anyMatch(p -> type.keywords().stream().anyMatch(p::has))) {
                out.add(type);
            }
        }
        return out;
    }

    private static Set<Type> types(JsonNode type) {
        Set<Type> out = EnumSet.noneOf(Type.class);
        for (JsonNode name : type.isArray() ? type : List.of(type)) {
            Type known = null;
            for (Type t : Type.values()) {
                known = name.asText().equals(t.name().toLowerCase(Locale.ROOT)) ? t : known;
            }
            if (known == null) {
                throw new StructureException("type is " + name
                        + " but must be object, array, string, number, integer, boolean or null, or a list of them");
            }
            out.add(known);
        }
        if (out.contains(Type.NUMBER)) {
            out.add(Type.INTEGER);
        }
        return out;
    }

    /** Returns the values that {@code enum} and {@code const} leave, null if any value is left. */
    @Nullable
    List<JsonNode> values() {
        List<JsonNode> left = null;
        for (JsonNode part : parts) {
            for (String keyword : List.of("enum", "const")) {
                JsonNode given = part.get(keyword);
                if (given != null && keyword.equals("enum") && !given.isArray()) {
                    throw new StructureException("enum is " + given + " but must be an array");
                }
                if (given != null && left == null) {
                    left = new ArrayList<>();
                    (keyword.equals("enum") ? given : List.of(given)).forEach(left::add);
                }
            }
        }
        return left;
    }

    /** Returns the largest or smallest of a keyword's values, null if nobody gives one. */
    private @Nullable BigDecimal tightest(String keyword, boolean isLower) {
        BigDecimal out = null;
        for (JsonNode part : parts) {
            JsonNode v = part.get(keyword);
            if (v == null) {
                continue;
            }
            if (!v.isNumber()) {
                throw new StructureException(keyword + " is " + v + " but must be a number");
            }
            BigDecimal value = v.decimalValue();
            out = out == null ? value : isLower ? out.max(value) : out.min(value);
        }
        return out;
    }

    /** Returns the least (or the greatest) integer within the bounds, null if there is no bound. */
    @Nullable
    Long integerBound(boolean isLower) {
        Long edge = edge(isLower);
        BigDecimal open = tightest(isLower ? "exclusiveMinimum" : "exclusiveMaximum", isLower);
        boolean isExcluded = edge != null && open != null && open.compareTo(BigDecimal.valueOf(edge)) == 0;
        return edge == null || !isExcluded ? edge : Long.valueOf(isLower ? edge + 1 : edge - 1);
    }

    /** Returns the least (or the greatest) integer that isn't outside the bounds; it may be an excluded bound itself. */
    @Nullable
    Long edge(boolean isLower) {
        BigDecimal closed = tightest(isLower ? "minimum" : "maximum", isLower);
        BigDecimal open = tightest(isLower ? "exclusiveMinimum" : "exclusiveMaximum", isLower);
        if (closed == null && open == null) {
            return null;
        }
        BigDecimal bound;
        if (closed == null || open == null) {
            bound = closed == null ? open : closed;
        } else {
            bound = isLower ? closed.max(open) : closed.min(open);
        }
        if (bound == null || bound.abs().compareTo(BigDecimal.valueOf(Integers.MAX)) > 0) {
            throw new StructureException("a bound of a number is " + bound + " but at most ±" + Integers.MAX
                    + " is supported: leave it out");
        }
        return bound.setScale(0, isLower ? RoundingMode.CEILING : RoundingMode.FLOOR)
                .longValueExact();
    }

    /** Returns a count's bound, {@code otherwise} if nobody gives one. */
    int count(String keyword, int otherwise) {
        boolean isLower = keyword.startsWith("min");
        BigDecimal value = tightest(keyword, isLower);
        if (value == null) {
            return otherwise;
        }
        if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0) {
            throw new StructureException(keyword + " is " + value + " but must be an integer of at least 0");
        }
        if (value.compareTo(BigDecimal.valueOf(CharNfa.MAX_STATES)) > 0) {
            throw new StructureException(keyword + " is " + value + " but the limit is " + CharNfa.MAX_STATES
                    + ": lower it or leave it out");
        }
        return value.intValueExact();
    }

    List<String> patterns() {
        List<String> out = new ArrayList<>();
        for (JsonNode part : parts) {
            JsonNode pattern = part.get("pattern");
            if (pattern != null) {
                out.add(pattern.asText());
            }
        }
        return out;
    }

    Set<String> required() {
        Set<String> out = new LinkedHashSet<>();
        for (JsonNode part : parts) {
            part.path("required").forEach(name -> out.add(name.asText()));
        }
        return out;
    }

    /** Returns the schemas of each property that is named anywhere, in order; required ones without a schema of their own last. */
    Map<String, List<JsonNode>> properties() {
        Map<String, List<JsonNode>> out = new LinkedHashMap<>();
        for (JsonNode part : parts) {
            part.path("properties")
                    .fieldNames()
                    .forEachRemaining(name -> out.computeIfAbsent(name, k -> new ArrayList<>()));
        }
        required().forEach(name -> out.computeIfAbsent(name, k -> new ArrayList<>()));
        out.forEach((name, schemas) -> {
            for (JsonNode part : parts) {
                JsonNode own = part.path("properties").get(name);
                JsonNode other = part.get("additionalProperties");
                if (own != null || other != null) {
                    schemas.add(own != null ? own : other);
                }
            }
        });
        return out;
    }

    /** Returns the schemas of properties that aren't named, null if nobody asks for such: then there are none. */
    @Nullable
    List<JsonNode> additionalProperties() {
        List<JsonNode> out = new ArrayList<>();
        for (JsonNode part : parts) {
            JsonNode other = part.get("additionalProperties");
            if (other != null) {
                out.add(other);
            }
        }
        boolean isAsked = !out.isEmpty() || parts.stream().noneMatch(p -> p.has("properties"));
        return isAsked ? out : null;
    }

    int numPrefixItems() {
        return parts.stream().mapToInt(p -> p.path("prefixItems").size()).max().orElse(0);
    }

    /** Returns the schemas of the item at an index; from {@link #numPrefixItems} on they are all the same. */
    List<JsonNode> item(int index) {
        List<JsonNode> out = new ArrayList<>();
        for (JsonNode part : parts) {
            JsonNode own = part.path("prefixItems").get(index);
            JsonNode schema = own != null ? own : part.get("items");
            if (schema != null) {
                out.add(schema);
            }
        }
        return out;
    }
}
