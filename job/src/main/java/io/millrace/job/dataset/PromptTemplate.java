package io.millrace.job.dataset;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.engine.RejectedException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Text with {@code {column}} in it; <code>{{</code> and <code>}}</code> stand for braces. A value is put in as it is and never read
 * as a template again. Immutable; any thread.
 */
public final class PromptTemplate implements Serializable {
    private static final long serialVersionUID = 1L;

    /** A piece of text, or a column's value. */
    private record Part(boolean isColumn, String text) implements Serializable {}

    private final String template;
    private final ArrayList<Part> parts = new ArrayList<>();

    /**
     * Parses one.
     *
     * @throws ConfigException at a brace that is nobody's, with its position
     */
    public PromptTemplate(String template) {
        this.template = template;
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            boolean isDouble = i + 1 < template.length() && template.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && isDouble) {
                text.append(c);
                i++;
            } else if (c == '{') {
                int end = template.indexOf('}', i);
                String name = end < 0 ? "" : template.substring(i + 1, end);
                if (name.isBlank() || name.indexOf('{') >= 0) {
                    throw wrong(i, "{ isn't followed by a column and }");
                }
                parts.add(new Part(false, text.toString()));
                parts.add(new Part(true, name));
                text.setLength(0);
                i = end;
            } else if (c == '}') {
                throw wrong(i, "} closes nothing");
            } else {
                text.append(c);
            }
        }
        parts.add(new Part(false, text.toString()));
    }

    private static ConfigException wrong(int position, String what) {
        return new ConfigException("--prompt-template, character " + (position + 1) + ": " + what
                + "; write {column} for a value, {{ or }} for a brace");
    }

    /**
     * Puts a row's values in.
     *
     * @throws RejectedException if a column is missing or null
     */
    String render(ObjectNode columns) {
        StringBuilder sb = new StringBuilder();
        for (Part part : parts) {
            sb.append(part.isColumn ? textOf(columns, part.text, "--prompt-template") : part.text);
        }
        return sb.toString();
    }

    /**
     * Returns a column as text: a string as it is, anything else as JSON.
     *
     * @param option who wants it, for the message
     * @throws RejectedException if it is missing or null
     */
    static String textOf(ObjectNode columns, String column, String option) {
        JsonNode value = columns.get(column);
        if (value == null || value.isNull()) {
            throw new RejectedException(
                    RejectedException.Stage.VALIDATE,
                    false,
                    "column \"" + column + "\" of " + option + (value == null ? " is missing" : " is null")
                            + ": the row has " + new TreeSet<>(names(columns)));
        }
        return value.isTextual() ? value.textValue() : value.toString();
    }

    private static List<String> names(ObjectNode columns) {
        List<String> names = new ArrayList<>();
        columns.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** Returns it as it was given. */
    @Override
    @JsonValue
    public String toString() {
        return template;
    }
}
