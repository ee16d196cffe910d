package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonToken;
import io.millrace.schemas.Prompt.StructureKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code response_format} and vLLM's {@code guided_…} fields, of which one may ask for something. One thread. */
final class StructureFields {
    private final JsonReader in;
    private final PromptDraft draft;

    StructureFields(JsonReader in, PromptDraft draft) {
        this.in = in;
        this.draft = draft;
    }

    /** Takes the field that the cursor is at; false if it is none of these. */
    boolean read(String name) throws WireException {
        boolean isOne = name.equals("response_format") || name.startsWith("guided_");
        if (!isOne) {
            return false;
        }
        Prompt.Structure found;
        if (in.isNull()) {
            found = null;
        } else {
            switch (name) {
                case "response_format" -> found = responseFormat();
                case "guided_json" -> found = structure(StructureKind.JSON_SCHEMA, schema());
                case "guided_regex" -> found = structure(StructureKind.REGEX, in.string());
                case "guided_choice" -> found = new Prompt.Structure(StructureKind.CHOICE, "", choices());
                case "guided_grammar" -> found = structure(StructureKind.GRAMMAR, in.string());
                default -> {
                    return false;
                }
            }
        }
        if (found != null && draft.structure != null) {
            throw in.error("asks for a second structure: leave all but one of response_format and guided_… out");
        }
        draft.structure = found != null ? found : draft.structure;
        return true;
    }

    private static Prompt.Structure structure(StructureKind kind, String source) {
        return new Prompt.Structure(kind, source, List.of());
    }

    private Prompt.@Nullable Structure responseFormat() throws WireException {
        in.requireObject();
        String type = null;
        String schema = null;
        while (in.nextName()) {
            String name = in.chars();
            in.next();
            switch (name) {
                case "type" -> type = in.string();
                case "json_schema" -> schema = namedSchema();
                default -> in.skip();
            }
        }
        if (type == null) {
            throw in.fieldError("type", "is missing: use text, json_object or json_schema");
        }
        switch (type) {
            case "text" -> {
                return null;
            }
            case "json_object" -> {
                return structure(StructureKind.JSON_OBJECT, "");
            }
            case "json_schema" -> {
                if (schema == null) {
                    throw in.fieldError("json_schema.schema", "is missing: give the JSON schema");
                }
                return structure(StructureKind.JSON_SCHEMA, schema);
            }
            default ->
                throw in.fieldError(
                        "type", WireText.quote(type) + " is no known format: use text, json_object or json_schema");
        }
    }

    /** Reads {@code {"name", "strict", "schema"}}; name and strict change nothing: what is asked for is always met. */
    private @Nullable String namedSchema() throws WireException {
        if (in.isNull()) {
            return null;
        }
        in.requireObject();
        String schema = null;
        while (in.nextName()) {
            boolean isSchema = in.chars().equals("schema");
            in.next();
            if (isSchema && !in.isNull()) {
                schema = schema();
            } else {
                in.skip();
            }
        }
        return schema;
    }

    /** Returns a schema's text, which may also be given as a string. */
    private String schema() throws WireException {
        if (in.is(JsonToken.VALUE_STRING)) {
            return in.chars();
        }
        if (!in.is(JsonToken.START_OBJECT) && !in.is(JsonToken.VALUE_TRUE) && !in.is(JsonToken.VALUE_FALSE)) {
            throw in.wrongType("a JSON schema");
        }
        return in.text();
    }

    private List<String> choices() throws WireException {
        in.requireArray();
        List<String> out = new ArrayList<>();
        while (in.next() != JsonToken.END_ARRAY) {
            out.add(in.string());
        }
        if (out.isEmpty()) {
            throw in.error("has no choices: give at least one");
        }
        return List.copyOf(out);
    }
}
