package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;

/** One line of the OpenAI batch format: a request with {@code custom_id} and a body, and the line that answers it. */
final class BatchLine {
    private static final String URL = "/v1/chat/completions";

    private BatchLine() {}

    /** Reads the line that starts here, to its end. */
    static Prompt decode(JsonReader in, WireLimits limits, boolean isStrict) throws WireException {
        in.requireObject();
        String customId = null;
        PromptDraft body = null;
        PromptDraft line = new PromptDraft();
        while (in.nextName()) {
            String name = in.chars();
            in.next();
            switch (name) {
                case "custom_id" -> customId = in.id(limits);
                case "method" -> mustBe(in, "POST");
                case "url" -> mustBe(in, URL);
                case "body" -> body = RequestFields.read(in, limits, isStrict);
                default -> RequestFields.unknown(in, line, isStrict);
            }
        }
        if (customId == null) {
            throw in.fieldError("custom_id", "is missing: a batch line needs custom_id and body");
        }
        if (body == null) {
            throw in.fieldError("body", "is missing: a batch line needs custom_id and body");
        }
        if (body.messages == null && body.program == null) {
            throw in.fieldError("body.messages", "is missing: the body of a batch line is a chat request");
        }
        if (body.customId != null) {
            throw in.fieldError("body.custom_id", "stands beside body, not inside it");
        }
        body.customId = customId;
        body.id = body.id == null ? customId : body.id;
        line.unknownFields.forEach(body::addUnknown);
        return body.build(Prompt.Form.BATCH, "body.");
    }

    private static void mustBe(JsonReader in, String wanted) throws WireException {
        if (!in.isNull() && !in.string().equals(wanted)) {
            throw in.error(WireText.quote(in.chars()) + " is not supported: use " + wanted);
        }
    }

    /** Writes the answering line up to its body, which the caller writes next. */
    static void writeHead(JsonGenerator out, Completion completion) throws IOException {
        out.writeStartObject();
        out.writeStringField("id", completion.id());
        out.writeStringField("custom_id", completion.customId());
        out.writeObjectFieldStart("response");
        out.writeNumberField("status_code", 200);
        out.writeStringField("request_id", completion.id());
        out.writeFieldName("body");
    }

    /** Writes the rest of the line. */
    static void writeTail(JsonGenerator out) throws IOException {
        out.writeEndObject();
        out.writeNullField("error");
        out.writeEndObject();
    }
}
