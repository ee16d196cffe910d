package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A piece of one choice's text while it is generated: a {@code chat.completion.chunk} of the OpenAI API that also says where its
 * text belongs. A piece may come again after a failure, maybe cut elsewhere; who puts each at its offset has every char once.
 * Offsets count UTF-16 units, as lengths of strings in Java and JavaScript do.
 *
 * @param id the request's
 * @param source {@code topic-partition-offset} of the prompt, which tells apart two requests of one id
 * @param created seconds since the epoch
 * @param model that is served
 * @param index which choice
 * @param reasoning new text of the reasoning, maybe empty
 * @param reasoningOffset where it begins
 * @param content new text of the answer, maybe empty
 * @param contentOffset where it begins
 * @param finishReason null but in the choice's last piece
 */
public record CompletionChunk(
        String id,
        String source,
        long created,
        String model,
        int index,
        String reasoning,
        int reasoningOffset,
        String content,
        int contentOffset,
        @Nullable String finishReason) {

    /** Returns it as one line of JSON in UTF-8, without the line's end. */
    public byte[] encode() {
        StringWriter text = new StringWriter(256);
        try (JsonGenerator out = CompletionJson.generator(text)) {
            out.writeStartObject();
            out.writeStringField("id", id);
            out.writeStringField("object", "chat.completion.chunk");
            out.writeNumberField("created", created);
            out.writeStringField("model", model);
            out.writeArrayFieldStart("choices");
            writeChoice(out);
            out.writeEndArray();
            out.writeStringField("source", source);
            out.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void writeChoice(JsonGenerator out) throws IOException {
        out.writeStartObject();
        out.writeNumberField("index", index);
        out.writeObjectFieldStart("delta");
        if (!reasoning.isEmpty()) {
            out.writeStringField("reasoning_content", reasoning);
        }
        if (!content.isEmpty()) {
            out.writeStringField("content", content);
        }
        out.writeEndObject();
        out.writeNumberField("reasoning_offset", reasoningOffset);
        out.writeNumberField("content_offset", contentOffset);
        out.writeStringField("finish_reason", finishReason);
        out.writeEndObject();
    }
}
