package io.millrace.engine.structure;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.SplittableRandom;

/** Makes schemas over every supported keyword. Few contradict themselves, because a value is thought of before its constraints. */
final class RandomSchemas {
    private static final List<String> NAMES = List.of("a", "b", "id", "name", "x y", "é", "q\"", "tags");
    private static final List<String> PATTERNS =
            List.of("^[a-z]+$", "^a|b$", "[0-9]{2}", "^(ab?)*$", "x", "^\\d{3}-\\d{2}$", "[^a]$", "^.{2,5}$", "\\w\\s");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final SplittableRandom random;

    RandomSchemas(long seed) {
        random = new SplittableRandom(seed);
    }

    ObjectNode next() {
        ObjectNode root = schema(3);
        if (root.toString().contains("#/$defs/")) {
            ObjectNode defs = root.putObject("$defs");
            defs.set("leaf", scalar());
            ObjectNode tree = defs.putObject("tree");
            tree.put("type", "object");
            ObjectNode properties = tree.putObject("properties");
            properties.set("v", scalar());
            properties.putObject("left").put("$ref", "#/$defs/tree");
            properties.putObject("kids").put("type", "array").putObject("items").put("$ref", "#/$defs/tree");
            tree.putArray("required").add("v");
            tree.put("additionalProperties", false);
        }
        return root;
    }

    private ObjectNode schema(int depth) {
        if (depth == 0 || random.nextInt(5) == 0) {
            return scalar();
        }
        return switch (random.nextInt(8)) {
            case 0 -> array(depth);
            case 1 -> tuple(depth);
            case 2 -> list("anyOf", schema(depth - 1), schema(depth - 1));
            case 3 -> ref();
            case 4 -> merged(depth);
            case 5 -> ref().put("description", "a note beside a reference");
            default -> object(depth);
        };
    }

    private ObjectNode ref() {
        return MAPPER.createObjectNode().put("$ref", random.nextBoolean() ? "#/$defs/leaf" : "#/$defs/tree");
    }

    private static ObjectNode list(String keyword, ObjectNode... schemas) {
        ObjectNode out = MAPPER.createObjectNode();
        out.putArray(keyword).addAll(List.of(schemas));
        return out;
    }

    /** Two that can hold together. */
    private ObjectNode merged(int depth) {
        if (random.nextBoolean()) {
            return list(
                    "allOf",
                    MAPPER.createObjectNode().put("type", "integer").put("minimum", random.nextInt(10)),
                    MAPPER.createObjectNode().put("exclusiveMaximum", 20 + random.nextInt(1000)));
        }
        ObjectNode first = object(depth);
        first.remove("additionalProperties");
        ObjectNode second = MAPPER.createObjectNode();
        second.putObject("properties").set("extra", schema(depth - 1));
        second.putArray("required").add("extra");
        return list("allOf", first, second);
    }

    private ObjectNode object(int depth) {
        ObjectNode out = MAPPER.createObjectNode().put("type", "object");
        ObjectNode properties = out.putObject("properties");
        ArrayNode required = out.putArray("required");
        for (int n = random.nextInt(5); n > 0; n--) {
            String name = NAMES.get(random.nextInt(NAMES.size()));
            if (!properties.has(name)) {
                properties.set(name, schema(depth - 1));
                if (random.nextBoolean()) {
                    required.add(name);
                }
            }
        }
        switch (random.nextInt(4)) {
            case 0 -> out.put("additionalProperties", false);
            case 1 -> out.set("additionalProperties", scalar());
            case 2 -> required.add("more");
            default -> {}
        }
        if (out.path("additionalProperties").isBoolean()) {
            required.removeIf(n -> n.asText().equals("more"));
        }
        return out;
    }

    private ObjectNode array(int depth) {
        ObjectNode out = MAPPER.createObjectNode().put("type", "array");
        out.set("items", schema(depth - 1));
        int min = random.nextInt(3);
        if (random.nextBoolean()) {
            out.put("minItems", min);
        }
        return random.nextBoolean() ? out.put("maxItems", min + random.nextInt(4)) : out;
    }

    private ObjectNode tuple(int depth) {
        ObjectNode out = MAPPER.createObjectNode().put("type", "array");
        out.putArray("prefixItems").add(schema(depth - 1)).add(scalar());
        if (random.nextBoolean()) {
            out.put("items", random.nextBoolean());
        } else {
            out.set("items", scalar());
        }
        return random.nextBoolean() ? out.put("minItems", 1 + random.nextInt(2)) : out;
    }

    private ObjectNode scalar() {
        ObjectNode out = MAPPER.createObjectNode();
        int low = random.nextInt(-2000, 2000);
        return switch (random.nextInt(9)) {
            case 0 -> out.put("type", "boolean");
            case 1 -> out.put("type", "integer").put("minimum", low).put("maximum", low + random.nextInt(5000));
            case 2 -> out.put("type", "integer").put("exclusiveMinimum", low / 10.0);
            case 3 -> out.put("type", "number").put("minimum", low / 4.0).put("exclusiveMaximum", low / 4.0 + 2);
            case 4 ->
                out.put("type", "string").put("minLength", random.nextInt(4)).put("maxLength", 4 + random.nextInt(9));
            case 5 -> out.put("type", "string").put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
            case 6 -> {
                out.putArray("enum").add("red").add(low).addNull().addArray().add(1);
                yield random.nextBoolean()
                        ? out
                        : out.set("type", MAPPER.createArrayNode().add("string").add("null"));
            }
            case 7 -> out.put("const", "c\n\"" + low);
            default -> out.set("type", MAPPER.createArrayNode().add("null").add("number"));
        };
    }
}
