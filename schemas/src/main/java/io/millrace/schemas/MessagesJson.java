package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code messages}: roles, and contents that are text or text parts. One thread. */
final class MessagesJson {
    private final JsonReader in;
    private final WireLimits limits;
    private final PromptDraft draft;
    private final boolean isStrict;

    MessagesJson(JsonReader in, WireLimits limits, PromptDraft draft, boolean isStrict) {
        this.in = in;
        this.limits = limits;
        this.draft = draft;
        this.isStrict = isStrict;
    }

    /** Reads the array that starts here, to its end. */
    List<Prompt.Message> read() throws WireException {
        in.requireArray();
        List<Prompt.Message> out = new ArrayList<>();
        while (in.next() != JsonToken.END_ARRAY) {
            if (out.size() == limits.maxMessages()) {
                throw in.error("is one more than the limit of " + limits.maxMessages() + " messages: send fewer");
            }
            out.add(message());
        }
        if (out.isEmpty()) {
            throw in.error("is empty: give at least one message");
        }
        return List.copyOf(out);
    }

    private Prompt.Message message() throws WireException {
        in.requireObject();
        String role = null;
        String content = null;
        while (in.nextName()) {
            String name = in.chars();
            in.next();
            switch (name) {
                case "role" -> role = role();
                case "content" -> content = content();
                case "tool_calls", "function_call", "audio" -> refuseUnlessNull();
                default -> RequestFields.unknown(in, draft, isStrict);
            }
        }
        return new Prompt.Message(required("role", role), required("content", content));
    }

    private String role() throws WireException {
        String role = PromptDraft.role(in.string());
        if (role == null) {
            throw in.error(PromptDraft.roleProblem(in.chars()));
        }
        return role;
    }

    private String required(String name, @Nullable String value) throws WireException {
        if (value == null) {
            throw in.fieldError(name, "is missing");
        }
        return value;
    }

    private String content() throws WireException {
        if (in.is(JsonToken.VALUE_STRING)) {
            return in.chars();
        }
        if (!in.is(JsonToken.START_ARRAY)) {
            throw in.wrongType("a string or an array of text parts");
        }
        StringBuilder out = new StringBuilder();
        int parts = 0;
        while (in.next() != JsonToken.END_ARRAY) {
            out.append(part());
            parts++;
        }
        if (parts == 0) {
            throw in.error("has no parts: give at least one text part");
        }
        return out.toString();
    }

    private String part() throws WireException {
        in.requireObject();
        String type = null;
        String text = null;
        while (in.nextName()) {
            String name = in.chars();
            in.next();
            switch (name) {
                case "type" -> type = textType();
                case "text" -> text = in.string();
                case "image_url", "input_audio", "video_url", "file" -> refuseUnlessNull();
                default -> RequestFields.unknown(in, draft, isStrict);
            }
        }
        required("type", type);
        return required("text", text);
    }

    private String textType() throws WireException {
        String type = in.string();
        if (!type.equals("text")) {
            throw in.error(WireText.quote(type) + " is not supported yet: send text parts only");
        }
        return type;
    }

    private void refuseUnlessNull() throws WireException {
        if (!in.isNull()) {
            throw in.error("is not supported yet: send text only");
        }
    }
}
