package io.millrace.engine.structure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes rules of a JSON schema (draft 2020-12). What is written is a part of what the schema allows: properties in the schema's order,
 * no white space but one blank behind a colon or comma. Every set of schemas that hold for the same value becomes one rule, so that
 * recursion ends. One thread, used once.
 */
final class SchemaCompiler {
    private static final Set<String> KNOWN = Set.of(
            "type",
            "enum",
            "const",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "minLength",
            "maxLength",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "pattern",
            "anyOf",
            "allOf",
            "$ref",
            "$defs",
            "definitions");
    /** They constrain nothing. */
    private static final Set<String> NOTES = Set.of(
            "$schema",
            "$id",
            "$comment",
            "title",
            "description",
            "default",
            "examples",
            "deprecated",
            "readOnly",
            "writeOnly");

    private static final int MAX_RULES = 5000;
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final Grammar grammar;
    private final JsonRules json;
    private final JsonNode root;
    private final Map<Set<JsonNode>, Integer> ruleOf = new HashMap<>();
    private final Deque<Runnable> open = new ArrayDeque<>();

    private SchemaCompiler(Grammar grammar, JsonNode root) {
        this.grammar = grammar;
        this.root = root;
        json = new JsonRules(grammar);
    }

    /** Returns what a value of the schema looks like, its rules added to the grammar. */
    static Expr compile(String schema, Grammar grammar) {
        JsonNode root;
        try {
            root = MAPPER.readTree(schema);
        } catch (JsonProcessingException e) {
            throw new StructureException("the schema is not valid JSON: " + e.getOriginalMessage());
        }
        SchemaCompiler compiler = new SchemaCompiler(grammar, root);
        Expr out = compiler.value(List.of(root));
        while (!compiler.open.isEmpty()) { // not by recursion: a schema may be nested as deep as it likes
            compiler.open.remove().run();
        }
        return out;
    }

    /** Returns a call of the rule for a value for which all schemas hold. */
    private Expr value(List<JsonNode> schemas) {
        Set<JsonNode> all = new LinkedHashSet<>();
        boolean isPossible = expand(schemas, all, new HashSet<>());
        if (!isPossible) {
            return new Expr.Choice(List.of());
        }
        if (all.isEmpty()) {
            return json.any();
        }
        Integer known = ruleOf.get(all);
        if (known == null) {
            if (ruleOf.size() >= MAX_RULES) {
                throw new StructureException(
                        "it needs more than " + MAX_RULES + " rules: use fewer anyOf within allOf");
            }
            int rule = grammar.newRule();
            ruleOf.put(all, rule);
            open.add(() -> grammar.define(rule, body(List.copyOf(all))));
            known = rule;
        }
        return new Expr.Call(known);
    }

    /** Follows references and {@code allOf}; false if one of the schemas allows nothing. */
    private boolean expand(Iterable<JsonNode> schemas, Set<JsonNode> out, Set<String> followed) {
        Deque<JsonNode> todo = new ArrayDeque<>();
        schemas.forEach(todo::add);
        while (!todo.isEmpty()) {
            JsonNode schema = todo.remove();
            if (schema.isBoolean()) {
                if (!schema.booleanValue()) {
                    return false;
                }
                continue;
            }
            checkKeywords(schema);
            JsonNode ref = schema.get("$ref");
            if (ref != null && followed.add(ref.asText())) {
                todo.add(target(ref.asText()));
            }
            schema.path("allOf").forEach(todo::add);
            ObjectNode own = ((ObjectNode) schema).deepCopy();
            own.remove(NOTES);
            own.remove(List.of("$ref", "allOf", "$defs", "definitions"));
            if (!own.isEmpty()) {
                out.add(own);
            }
        }
        return true;
    }

    private static void checkKeywords(JsonNode schema) {
        if (!schema.isObject()) {
            throw new StructureException("a schema is " + shown(schema) + " but must be an object, true or false");
        }
        schema.fieldNames().forEachRemaining(name -> {
            if (!KNOWN.contains(name) && !NOTES.contains(name)) {
                throw new StructureException("keyword " + JsonEscapes.quoted(name) + " is not supported: remove it");
            }
        });
    }

    private static String shown(JsonNode node) {
        String text = node.toString();
        return text.length() > 60 ? text.substring(0, 60) + "…" : text;
    }

    private JsonNode target(String ref) {
        JsonNode at = null;
        if (ref.equals("#")) {
            at = root;
        } else if (ref.startsWith("#/")) {
            at = root.at(ref.substring(1));
        }
        if (at == null || at.isMissingNode()) {
            throw new StructureException(
                    "$ref \"" + ref + "\" leads nowhere: use \"#\" or a pointer into this schema, as \"#/$defs/name\"");
        }
        return at;
    }

    private Expr body(List<JsonNode> schemas) {
        for (int i = 0; i < schemas.size(); i++) {
            JsonNode options = schemas.get(i).get("anyOf");
            if (options != null) {
                return anyOf(schemas, i, options);
            }
        }
        FlatSchema flat = FlatSchema.of(schemas);
        List<JsonNode> values = flat.values();
        if (values != null) {
            SchemaCheck check = new SchemaCheck(this::target);
            return new Expr.Choice(values.stream()
                    .filter(v -> schemas.stream().allMatch(s -> check.isValid(v, s)))
                    .map(v -> Expr.text(json.compact(v)))
                    .toList());
        }
        List<Expr> kinds = new ArrayList<>();
        for (FlatSchema.Type type : flat.types) {
            kinds.add(kind(type, flat));
        }
        return new Expr.Choice(kinds);
    }

    private Expr anyOf(List<JsonNode> schemas, int index, JsonNode options) {
        List<JsonNode> others = new ArrayList<>(schemas);
        ObjectNode rest = schemas.get(index).deepCopy();
        rest.remove("anyOf");
        others.set(index, rest);
        List<Expr> out = new ArrayList<>();
        for (JsonNode option : options) {
            List<JsonNode> all = new ArrayList<>(others);
            all.add(option);
            out.add(value(all));
        }
        return new Expr.Choice(out);
    }

    private Expr kind(FlatSchema.Type type, FlatSchema flat) {
        return switch (type) {
            case OBJECT -> object(flat);
            case ARRAY -> array(flat);
            case STRING ->
                json.string(flat.patterns(), flat.count("minLength", 0), flat.count("maxLength", Expr.UNBOUNDED));
            case NUMBER -> json.number(flat);
            case INTEGER -> Integers.between(flat.integerBound(true), flat.integerBound(false));
            case BOOLEAN -> json.bool();
            case NULL -> Expr.text("null");
        };
    }

    private Expr object(FlatSchema flat) {
        Map<String, List<JsonNode>> properties = flat.properties();
        Set<String> required = flat.required();
        List<JsonRules.Member> members = new ArrayList<>();
        properties.forEach((name, schemas) -> members.add(
                new JsonRules.Member(Expr.text(json.quoted(name)), value(schemas), required.contains(name))));
        List<JsonNode> other = flat.additionalProperties();
        JsonRules.@Nullable Member others = other == null
                ? null
                : new JsonRules.Member(json.nameOtherThan(properties.keySet()), value(other), false);
        return json.object(members, others);
    }

    private Expr array(FlatSchema flat) {
        List<Expr> prefix = new ArrayList<>();
        int min = flat.count("minItems", 0);
        int max = flat.count("maxItems", Expr.UNBOUNDED);
        for (int i = 0; i < flat.numPrefixItems() && (max == Expr.UNBOUNDED || i < max); i++) {
            prefix.add(value(flat.item(i)));
        }
        return json.array(prefix, value(flat.item(flat.numPrefixItems())), min, max);
    }
}
