package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads completions as JSON, in the form that the prompt had. The order of fields is fixed and floats are
 * written in their shortest form on every JDK, so equal completions are equal bytes. Any thread.
 */
public final class CompletionJson {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER) // Float.toString of JDK 17 isn't always the shortest
            .build();

    private CompletionJson() {}

    /**
     * Encodes a completion; an Avro prompt's is written in the chat form.
     *
     * @return [bytes] UTF-8, one line without its end
     * @throws IllegalArgumentException if a text has half a surrogate pair
     */
    public static byte[] encode(Completion completion) {
        StringWriter text = new StringWriter(1024);
        try (JsonGenerator out = generator(text)) {
            if (completion.form() == Prompt.Form.BATCH) {
                BatchLine.writeHead(out, completion);
            }
            writeBody(out, completion);
            if (completion.form() == Prompt.Form.BATCH) {
                BatchLine.writeTail(out);
            }
        } catch (IOException e) {
            throw new IllegalStateException("writing to memory", e);
        }
        return bytes(text.getBuffer());
    }

    static JsonGenerator generator(Writer text) throws IOException {
        return FACTORY.createGenerator(text);
    }

    /** Text to UTF-8, not through Jackson: it would write pairs of surrogates as escapes. */
    private static byte[] bytes(CharSequence text) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8
                    .newEncoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(text));
            byte[] out = new byte[bytes.remaining()];
            bytes.get(out);
            return out;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("a text of the completion has half a surrogate pair", e);
        }
    }

    private static void writeBody(JsonGenerator out, Completion c) throws IOException {
        boolean isRaw = c.form() == Prompt.Form.RAW;
        out.writeStartObject();
        out.writeStringField("id", c.id());
        out.writeStringField("object", isRaw ? "text_completion" : "chat.completion");
        out.writeNumberField("created", c.created());
        out.writeStringField("model", c.model());
        out.writeArrayFieldStart("choices");
        for (Completion.Choice choice : c.choices()) {
            writeChoice(out, choice, isRaw);
        }
        out.writeEndArray();
        writeString(
                out,
                "finish_reason",
                c.choices().isEmpty() ? null : c.choices().get(0).finishReason());
        if (!c.results().isEmpty()) {
            ResultJson.write(out, c.results());
        }
        writeUsage(out, c.usage());
        if (c.promptTokenIds() != null) {
            writeInts(out, "prompt_token_ids", c.promptTokenIds());
        }
        if (c.promptLogprobs() != null) {
            out.writeArrayFieldStart("prompt_logprobs");
            out.writeNull(); // nothing comes before the first token
            writeTokens(out, c.promptLogprobs());
            out.writeEndArray();
        }
        if (c.user() != null) {
            out.writeStringField("user", c.user());
        }
        if (!c.metadata().isEmpty()) {
            out.writeObjectFieldStart("metadata");
            for (Map.Entry<String, String> e : c.metadata().entrySet()) {
                out.writeStringField(e.getKey(), e.getValue());
            }
            out.writeEndObject();
        }
        writeProvenance(out, c.model(), c.provenance());
        out.writeEndObject();
    }

    private static void writeChoice(JsonGenerator out, Completion.Choice choice, boolean isRaw) throws IOException {
        out.writeStartObject();
        out.writeNumberField("index", choice.index());
        if (isRaw) {
            out.writeStringField("text", choice.text());
        }
        out.writeObjectFieldStart("message");
        out.writeStringField("role", "assistant");
        writeString(out, "content", choice.content());
        writeString(out, "reasoning_content", choice.reasoningContent());
        out.writeEndObject();
        out.writeStringField("finish_reason", choice.finishReason());
        writeLogprobs(out, choice.logprobs());
        if (choice.tokenIds() != null) {
            writeInts(out, "token_ids", choice.tokenIds());
        }
        out.writeEndObject();
    }

    private static void writeLogprobs(JsonGenerator out, @Nullable List<Completion.TokenLogprob> logprobs)
            throws IOException {
        if (logprobs == null) {
            out.writeNullField("logprobs");
            return;
        }
        out.writeObjectFieldStart("logprobs");
        out.writeArrayFieldStart("content");
        writeTokens(out, logprobs);
        out.writeEndArray();
        out.writeEndObject();
    }

    private static void writeTokens(JsonGenerator out, List<Completion.TokenLogprob> tokens) throws IOException {
        for (Completion.TokenLogprob t : tokens) {
            out.writeStartObject();
            writeToken(out, t.token(), t.tokenId(), t.logprob(), t.bytes());
            out.writeArrayFieldStart("top_logprobs");
            for (Completion.TopLogprob top : t.topLogprobs()) {
                out.writeStartObject();
                writeToken(out, top.token(), top.tokenId(), top.logprob(), top.bytes());
                out.writeEndObject();
            }
            out.writeEndArray();
            out.writeEndObject();
        }
    }

    private static void writeToken(JsonGenerator out, String token, int tokenId, float logprob, byte[] bytes)
            throws IOException {
        out.writeStringField("token", token);
        out.writeNumberField("token_id", tokenId);
        out.writeFieldName("logprob");
        if (Float.isFinite(logprob)) {
            out.writeNumber(logprob);
        } else {
            out.writeNull(); // JSON has no other way to say it
        }
        out.writeArrayFieldStart("bytes");
        for (byte b : bytes) {
            out.writeNumber(b & 0xff);
        }
        out.writeEndArray();
    }

    private static void writeUsage(JsonGenerator out, Completion.Usage usage) throws IOException {
        out.writeObjectFieldStart("usage");
        out.writeNumberField("prompt_tokens", usage.promptTokens());
        out.writeNumberField("completion_tokens", usage.completionTokens());
        out.writeNumberField("total_tokens", (long) usage.promptTokens() + usage.completionTokens());
        out.writeObjectFieldStart("prompt_tokens_details");
        out.writeNumberField("cached_tokens", usage.cachedTokens());
        out.writeEndObject();
        out.writeObjectFieldStart("completion_tokens_details");
        out.writeNumberField("reasoning_tokens", usage.reasoningTokens());
        out.writeEndObject();
        out.writeEndObject();
    }

    private static void writeProvenance(JsonGenerator out, String model, Completion.Provenance p) throws IOException {
        out.writeObjectFieldStart("provenance");
        out.writeStringField("model", model);
        out.writeStringField("model_hash", p.modelHash());
        out.writeStringField("engine_version", p.engineVersion());
        out.writeStringField("backend", p.backend());
        out.writeStringField("plan", p.plan());
        out.writeNumberField("seed", p.seed());
        out.writeFieldName("sampling");
        SamplingJson.write(out, p.sampling());
        writeMillis(out, "ttft_ms", p.ttftMs());
        writeMillis(out, "total_ms", p.totalMs());
        out.writeNumberField("draft_tokens", p.draftTokens());
        out.writeNumberField("accepted_tokens", p.acceptedTokens());
        out.writeNumberField("resumed", p.resumed());
        out.writeStringField("source", p.source());
        out.writeEndObject();
    }

    /** A time that never came (no first token) is null. */
    private static void writeMillis(JsonGenerator out, String name, double millis) throws IOException {
        if (Double.isFinite(millis)) {
            out.writeNumberField(name, millis);
        } else {
            out.writeNullField(name);
        }
    }

    private static void writeString(JsonGenerator out, String name, @Nullable String value) throws IOException {
        out.writeFieldName(name);
        out.writeString(value);
    }

    private static void writeInts(JsonGenerator out, String name, int[] values) throws IOException {
        out.writeFieldName(name);
        out.writeArray(values, 0, values.length);
    }

    /**
     * Decodes a completion of any form; unknown fields are ignored. The chat form doesn't carry
     * {@link Completion.Choice#text}: there it is the content, or empty.
     *
     * @param value [bytes] UTF-8
     * @throws WireException if it is none
     */
    public static Completion decode(byte @Nullable [] value) throws WireException {
        return CompletionReader.read(CompletionReader.parse(value));
    }

    /**
     * Returns the same JSON without what may differ between two runs that give the same answer: {@code created}, times,
     * draft, accepted, resumed and cached tokens.
     *
     * @param value a completion in any form, [bytes] UTF-8
     * @return [bytes] UTF-8
     * @throws WireException if it is no JSON object
     */
    public static byte[] comparable(byte[] value) throws WireException {
        ObjectNode root = CompletionReader.parse(value);
        ObjectNode body = root.at("/response/body") instanceof ObjectNode batchBody ? batchBody : root;
        body.remove("created");
        remove(body.path("provenance"), List.of("ttft_ms", "total_ms", "draft_tokens", "accepted_tokens", "resumed"));
        remove(body.at("/usage/prompt_tokens_details"), List.of("cached_tokens"));
        return bytes(CompletionReader.write(root));
    }

    private static void remove(JsonNode node, List<String> names) {
        if (node instanceof ObjectNode object) {
            object.remove(names);
        }
    }
}
