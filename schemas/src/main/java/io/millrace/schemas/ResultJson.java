package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code results} of a program's completion: an object by name, in the program's order. Any thread. */
final class ResultJson {
    private ResultJson() {}

    static void write(JsonGenerator out, List<Completion.Result> results) throws IOException {
        out.writeObjectFieldStart("results");
        for (Completion.Result result : results) {
            out.writeFieldName(result.name());
            write(out, result);
        }
        out.writeEndObject();
    }

    private static void write(JsonGenerator out, Completion.Result result) throws IOException {
        out.writeStartObject();
        out.writeFieldName("text");
        out.writeString(result.text());
        if (result.candidates().isEmpty()) {
            out.writeFieldName("reasoning_content");
            out.writeString(result.reasoningContent());
        }
        out.writeStringField("finish_reason", result.finishReason());
        if (result.seed() != null) {
            out.writeNumberField("seed", result.seed());
        }
        out.writeNumberField("prompt_tokens", result.promptTokens());
        out.writeNumberField("completion_tokens", result.completionTokens());
        if (!result.candidates().isEmpty()) {
            out.writeArrayFieldStart("candidates");
            for (Completion.Candidate candidate : result.candidates()) {
                out.writeStartObject();
                out.writeStringField("text", candidate.text());
                out.writeFieldName("logprob");
                if (Double.isFinite(candidate.logprob())) {
                    out.writeNumber(candidate.logprob());
                } else {
                    out.writeNull(); // JSON has no other way to say it
                }
                out.writeNumberField("tokens", candidate.tokens());
                out.writeEndObject();
            }
            out.writeEndArray();
        }
        out.writeEndObject();
    }

    /** Reads the object, or nothing where there is none. */
    static List<Completion.Result> read(JsonNode results) throws WireException {
        List<Completion.Result> out = new ArrayList<>();
        for (Map.Entry<String, JsonNode> e : results.properties()) {
            JsonNode result = e.getValue();
            List<Completion.Candidate> candidates = new ArrayList<>();
            for (JsonNode candidate : result.path("candidates")) {
                candidates.add(new Completion.Candidate(
                        CompletionReader.string(candidate, "text"),
                        CompletionReader.number(candidate, "logprob"),
                        CompletionReader.int32(candidate, "tokens")));
            }
            out.add(new Completion.Result(
                    e.getKey(),
                    CompletionReader.stringOrNull(result, "text"),
                    CompletionReader.stringOrNull(result, "reasoning_content"),
                    CompletionReader.string(result, "finish_reason"),
                    result.has("seed") ? Long.valueOf(CompletionReader.int64(result, "seed")) : null,
                    CompletionReader.int32(result, "prompt_tokens"),
                    CompletionReader.int32(result, "completion_tokens"),
                    List.copyOf(candidates)));
        }
        return List.copyOf(out);
    }
}
