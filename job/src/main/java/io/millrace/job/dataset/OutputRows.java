package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What the files of the output say of a row. The row's own columns come first; one that has the name of one of ours is called
 * {@code source_…} there.
 */
final class OutputRows {
    /** Our columns of the data, in order. */
    static final Set<String> NAMES = new LinkedHashSet<>(List.of(
            "id",
            "prompt",
            "reasoning",
            "completion",
            "answer",
            "extracted",
            "attempt",
            "seed",
            "finish_reason",
            "prompt_tokens",
            "completion_tokens"));

    private OutputRows() {}

    /** Returns the name of a row's own column in the output. */
    static String nameOf(String column) {
        return NAMES.contains(column) ? "source_" + column : column;
    }

    /** Returns an accepted sample with its row. */
    static ObjectNode sample(RowResult row, JudgedSample judged) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode columns = row.columns();
        if (columns != null) {
            columns.fields().forEachRemaining(e -> json.set(nameOf(e.getKey()), e.getValue()));
        }
        putSample(json, row, judged);
        return json;
    }

    private static void putSample(ObjectNode json, RowResult row, JudgedSample judged) {
        Sample sample = judged.sample();
        json.put("id", row.id());
        json.put("prompt", row.prompt());
        json.put("reasoning", sample.reasoning());
        json.put("completion", sample.completion());
        json.put("answer", row.answer());
        json.put("extracted", judged.extracted());
        json.put("attempt", sample.attempt());
        json.put("seed", sample.seed());
        json.put("finish_reason", sample.finishReason());
        json.put("prompt_tokens", sample.promptTokens());
        json.put("completion_tokens", sample.completionTokens());
    }

    /** Returns a sample that wasn't accepted, without its row's columns. */
    static ObjectNode rejected(RowResult row, JudgedSample judged) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        putSample(json, row, judged);
        json.put("why", judged.why());
        return json;
    }

    /** Returns a bad row. */
    static ObjectNode error(RowResult row, RowError error) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("file", row.file());
        json.put("line", row.line());
        json.put("id", row.id());
        json.put("stage", error.stage());
        json.put("message", error.message());
        json.put("retriable", error.isRetriable());
        ObjectNode columns = row.columns();
        if (columns != null) {
            json.set("row", columns);
        }
        return json;
    }
}
