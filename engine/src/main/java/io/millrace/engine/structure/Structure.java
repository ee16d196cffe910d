package io.millrace.engine.structure;

import java.util.List;

/**
 * What a request's answer must look like.
 *
 * @param kind how {@code source} is read
 * @param source the schema, the regex or the grammar; empty where there is none
 * @param choices the texts to choose from, for {@link Kind#CHOICE} only
 */
public record Structure(Kind kind, String source, List<String> choices) {
    /** How it is written. */
    public enum Kind {
        /** Any JSON object. */
        JSON_OBJECT,
        /** A JSON schema. */
        JSON_SCHEMA,
        /** A regular expression that the whole answer matches. */
        REGEX,
        /** One of a list of texts. */
        CHOICE,
        /** Rules in EBNF; the answer matches the rule {@code root}. */
        GRAMMAR
    }

    /** Copies the list. */
    public Structure {
        choices = List.copyOf(choices);
    }

    /** Returns one without choices. */
    public static Structure of(Kind kind, String source) {
        return new Structure(kind, source, List.of());
    }

    /** Returns the field of the request that it comes from, for messages. */
    public String field() {
        return switch (kind) {
            case JSON_OBJECT -> "response_format";
            case JSON_SCHEMA -> "json_schema";
            case REGEX -> "guided_regex";
            case CHOICE -> "guided_choice";
            case GRAMMAR -> "guided_grammar";
        };
    }
}
