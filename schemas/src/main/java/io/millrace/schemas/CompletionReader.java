package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads completions, which this project wrote itself: tolerant to fields that a later version added, strict about the
 * ones it needs. Any thread.
 */
final class CompletionReader {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_STRING_CHARS = 1 << 28;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
                    .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(MAX_STRING_CHARS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private CompletionReader() {}

    static ObjectNode parse(byte @Nullable [] value) throws WireException {
        if (value == null || value.length == 0) {
            throw new WireException("", -1, "the record has no value: it is no completion");
        }
        JsonNode root;
        try {
            root = MAPPER.readTree(new String(WireText.decode(value)));
        } catch (JsonProcessingException e) {
            throw new WireException("", -1, "is not valid JSON: " + WireText.cut(e.getOriginalMessage()));
        }
        if (root instanceof ObjectNode object) {
            return object;
        }
        throw new WireException("", -1, "is " + (root == null ? "blank" : root.getNodeType()) + ", must be an object");
    }

    /** Writes a tree that was read here. */
    static String write(ObjectNode tree) {
        try {
            return MAPPER.writeValueAsString(tree);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("writing to memory", e);
        }
    }

    static Completion read(ObjectNode root) throws WireException {
        boolean isBatch = root.path("response").isObject();
        JsonNode body = isBatch ? object(root.path("response"), "body") : root;
        JsonNode provenance = object(body, "provenance");
        Prompt.Form form = isBatch
                ? Prompt.Form.BATCH
                : body.path("object").asText().equals("text_completion") ? Prompt.Form.RAW : Prompt.Form.CHAT;
        return new Completion(
                form,
                string(body, "id"),
                isBatch ? stringOrNull(root, "custom_id") : null,
                int64(body, "created"),
                string(body, "model"),
                choices(body),
                ResultJson.read(body.path("results")),
                usage(object(body, "usage")),
                ints(body, "prompt_token_ids"),
                body.has("prompt_logprobs") ? logprobs(array(body, "prompt_logprobs")) : null,
                stringOrNull(body, "user"),
                strings(body.path("metadata")),
                provenance(provenance));
    }

    private static List<Completion.Choice> choices(JsonNode body) throws WireException {
        List<Completion.Choice> out = new ArrayList<>();
        for (JsonNode choice : array(body, "choices")) {
            JsonNode message = object(choice, "message");
            String content = stringOrNull(message, "content");
            String text = stringOrNull(choice, "text");
            out.add(new Completion.Choice(
                    int32(choice, "index"),
                    content,
                    stringOrNull(message, "reasoning_content"),
                    text != null ? text : content != null ? content : "",
                    string(choice, "finish_reason"),
                    ints(choice, "token_ids"),
                    choice.path("logprobs").isObject() ? logprobs(array(choice.path("logprobs"), "content")) : null));
        }
        return List.copyOf(out);
    }

    private static List<Completion.TokenLogprob> logprobs(JsonNode content) throws WireException {
        List<Completion.TokenLogprob> out = new ArrayList<>();
        for (JsonNode t : content) {
            if (t.isNull()) {
                continue; // the first token of a prompt
            }
            List<Completion.TopLogprob> top = new ArrayList<>();
            for (JsonNode each : array(t, "top_logprobs")) {
                top.add(new Completion.TopLogprob(
                        string(each, "token"), int32(each, "token_id"), bytes(each), (float) number(each, "logprob")));
            }
            out.add(new Completion.TokenLogprob(
                    string(t, "token"),
                    int32(t, "token_id"),
                    bytes(t),
                    (float) number(t, "logprob"),
                    List.copyOf(top)));
        }
        return List.copyOf(out);
    }

    private static Completion.Usage usage(JsonNode usage) throws WireException {
        return new Completion.Usage(
                int32(usage, "prompt_tokens"),
                int32(usage, "completion_tokens"),
                usage.at("/prompt_tokens_details/cached_tokens").asInt(0),
                usage.at("/completion_tokens_details/reasoning_tokens").asInt(0));
    }

    private static Completion.Provenance provenance(JsonNode p) throws WireException {
        return new Completion.Provenance(
                string(p, "model_hash"),
                string(p, "engine_version"),
                string(p, "backend"),
                string(p, "plan"),
                int64(p, "seed"),
                SamplingJson.read(object(p, "sampling")),
                number(p, "ttft_ms"),
                number(p, "total_ms"),
                int32(p, "draft_tokens"),
                int32(p, "accepted_tokens"),
                int32(p, "resumed"),
                string(p, "source"));
    }

    static JsonNode object(JsonNode parent, String name) throws WireException {
        JsonNode node = parent.path(name);
        if (!node.isObject()) {
            throw wrongType(name, node, "an object");
        }
        return node;
    }

    static JsonNode array(JsonNode parent, String name) throws WireException {
        JsonNode node = parent.path(name);
        if (!node.isArray()) {
            throw wrongType(name, node, "an array");
        }
        return node;
    }

    static String string(JsonNode parent, String name) throws WireException {
        String value = stringOrNull(parent, name);
        if (value == null) {
            throw wrongType(name, parent.path(name), "a string");
        }
        return value;
    }

    static @Nullable String stringOrNull(JsonNode parent, String name) throws WireException {
        JsonNode node = parent.path(name);
        if (!node.isTextual() && !node.isNull() && !node.isMissingNode()) {
            throw wrongType(name, node, "a string");
        }
        return node.textValue();
    }

    static long int64(JsonNode parent, String name) throws WireException {
        JsonNode node = parent.path(name);
        if (!node.isIntegralNumber() || !node.canConvertToLong()) {
            throw wrongType(name, node, "an integer");
        }
        return node.longValue();
    }

    static int int32(JsonNode parent, String name) throws WireException {
        return int32(name, parent.path(name));
    }

    private static int int32(String name, JsonNode node) throws WireException {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw wrongType(name, node, "a 32-bit integer");
        }
        return node.intValue();
    }

    /** Null stands for a number that JSON can't write. */
    static double number(JsonNode parent, String name) throws WireException {
        JsonNode node = parent.path(name);
        if (!node.isNumber() && !node.isNull()) {
            throw wrongType(name, node, "a number");
        }
        return node.isNull() ? Double.NaN : node.doubleValue();
    }

    private static int @Nullable [] ints(JsonNode parent, String name) throws WireException {
        if (parent.path(name).isMissingNode()) {
            return null;
        }
        JsonNode array = array(parent, name);
        int[] out = new int[array.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = int32(name, array.get(i));
        }
        return out;
    }

    private static byte[] bytes(JsonNode parent) throws WireException {
        JsonNode array = array(parent, "bytes");
        byte[] out = new byte[array.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = (byte) int32("bytes", array.get(i));
        }
        return out;
    }

    private static Map<String, String> strings(JsonNode object) {
        Map<String, String> out = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> e : object.properties()) {
            out.put(e.getKey(), e.getValue().asText());
        }
        return PromptDraft.frozen(out);
    }

    private static WireException wrongType(String name, JsonNode node, String wanted) {
        String found = node.isMissingNode() ? "missing" : WireText.cut(node.toString());
        return new WireException(name, -1, "is " + found + ", must be " + wanted);
    }
}
