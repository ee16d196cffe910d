package io.millrace.schemas;

import com.fasterxml.jackson.core.JsonToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the fields of a request, which is a plain prompt or the body of a batch line. One thread. */
final class RequestFields {
    private final JsonReader in;
    private final WireLimits limits;
    private final boolean isStrict;
    private final PromptDraft draft = new PromptDraft();
    private final StructureFields structure;

    private RequestFields(JsonReader in, WireLimits limits, boolean isStrict) {
        this.in = in;
        this.limits = limits;
        this.isStrict = isStrict;
        structure = new StructureFields(in, draft);
    }

    /** Reads the object that starts here, to its end. */
    static PromptDraft read(JsonReader in, WireLimits limits, boolean isStrict) throws WireException {
        RequestFields fields = new RequestFields(in, limits, isStrict);
        in.requireObject();
        while (in.nextName()) {
            String name = in.chars();
            in.next();
            if (!fields.request(name)
                    && !fields.sampling(name)
                    && !fields.structure.read(name)
                    && !fields.unsupported(name)) {
                unknown(in, fields.draft, isStrict);
            }
        }
        return fields.draft;
    }

    /** Skips a field that nobody knows. */
    static void unknown(JsonReader in, PromptDraft draft, boolean isStrict) throws WireException {
        if (isStrict) {
            throw in.error("is not a known field: remove it or run without strict");
        }
        in.skip();
        draft.addUnknown(in.path(false));
    }

    private boolean request(String name) throws WireException {
        switch (name) {
            case "id" -> draft.id = id();
            case "custom_id" -> draft.customId = id();
            case "model" -> draft.model = in.stringOrNull();
            case "messages" -> draft.messages = new MessagesJson(in, limits, draft, isStrict).read();
            case "prompt" -> prompt();
            case "program" -> draft.program = program();
            case "raw" -> draft.isRaw = flag();
            case "return_token_ids" -> draft.returnTokenIds = flag();
            case "stream" -> draft.isStream = flag();
            case "echo" -> draft.isEcho = flag();
            case "priority" -> draft.priority = in.isNull() ? 0 : in.int32();
            case "deadline_ms" -> draft.deadlineMs = in.int64OrNull();
            case "tenant" -> draft.tenant = id();
            case "user" -> draft.user = in.stringOrNull();
            case "metadata" -> draft.metadata = metadata();
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean sampling(String name) throws WireException {
        switch (name) {
            case "max_tokens" -> draft.maxTokens = in.int32OrNull();
            case "max_completion_tokens" -> draft.maxCompletionTokens = in.int32OrNull();
            case "min_tokens" -> draft.minTokens = in.int32OrNull();
            case "temperature" -> draft.temperature = in.numberOrNull();
            case "top_p" -> draft.topP = in.numberOrNull();
            case "top_k" -> draft.topK = in.int32OrNull();
            case "min_p" -> draft.minP = in.numberOrNull();
            case "presence_penalty" -> draft.presencePenalty = in.numberOrNull();
            case "frequency_penalty" -> draft.frequencyPenalty = in.numberOrNull();
            case "repetition_penalty" -> draft.repetitionPenalty = in.numberOrNull();
            case "seed" -> draft.seed = in.int64OrNull();
            case "n" -> draft.n = in.int32OrNull();
            case "best_of" -> draft.bestOf = bestOf();
            case "prompt_logprobs" -> draft.promptLogprobs = in.int32OrNull();
            case "bad_words" -> draft.badWords = in.isNull() ? List.of() : strings();
            case "stop" -> draft.stop = stop();
            case "stop_token_ids" -> draft.stopTokenIds = stopTokenIds();
            case "ignore_eos" -> draft.ignoreEos = in.boolOrNull();
            case "logit_bias" -> draft.logitBias = logitBias();
            case "logprobs" -> draft.logprobs = in.boolOrNull();
            case "top_logprobs" -> draft.topLogprobs = in.int32OrNull();
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Fields that would change the answer if they were ignored. A value that asks for nothing is fine. */
    private boolean unsupported(String name) throws WireException {
        boolean asksForNothing;
        switch (name) {
            case "tools", "functions" ->
                asksForNothing = in.is(JsonToken.START_ARRAY) && in.next() == JsonToken.END_ARRAY;
            case "tool_choice", "function_call" ->
                asksForNothing =
                        in.is(JsonToken.VALUE_STRING) && List.of("none", "auto").contains(in.chars());
            case "modalities" -> asksForNothing = in.is(JsonToken.START_ARRAY) && isAllText();
            case "audio", "images", "prediction", "suffix" -> asksForNothing = false;
            default -> {
                return false;
            }
        }
        if (!asksForNothing && !in.isNull()) {
            throw new WireException(pathOf(name), in.offset(), "is not supported yet: remove it");
        }
        return true;
    }

    /** Path of a field of the request, also when the cursor is somewhere inside its value. */
    private String pathOf(String name) {
        String path = in.path(true);
        return path.substring(0, path.indexOf(name) + name.length());
    }

    private boolean isAllText() throws WireException {
        boolean isText = true;
        while (in.next() != JsonToken.END_ARRAY) {
            isText &= in.string().equals("text");
        }
        return isText;
    }

    private @Nullable String id() throws WireException {
        return in.isNull() ? null : in.id(limits);
    }

    private @Nullable Integer bestOf() throws WireException {
        Integer count = in.int32OrNull();
        return count != null && count == 1 ? null : count; // 1 leaves nothing to choose
    }

    private boolean flag() throws WireException {
        return !in.isNull() && in.bool();
    }

    private void prompt() throws WireException {
        if (in.is(JsonToken.VALUE_STRING)) {
            draft.text = in.chars();
            return;
        }
        if (!in.is(JsonToken.START_ARRAY)) {
            throw in.wrongType("a string or an array of token ids");
        }
        int[] ids = new int[64];
        int count = 0;
        while (in.next() != JsonToken.END_ARRAY) {
            if (!in.is(JsonToken.VALUE_NUMBER_INT)) {
                throw in.wrongType("a token id (one prompt a record)");
            }
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, 2 * count);
            }
            ids[count++] = in.int32();
        }
        if (count == 0) {
            throw in.error("has no token ids: give at least one");
        }
        draft.tokenIds = Arrays.copyOf(ids, count);
    }

    private @Nullable String program() throws WireException {
        if (in.isNull()) {
            return null;
        }
        in.requireArray();
        return in.text();
    }

    private Map<String, String> metadata() throws WireException {
        Map<String, String> map = new LinkedHashMap<>();
        if (in.isNull()) {
            return Map.of();
        }
        in.requireObject();
        while (in.nextName()) {
            String key = in.chars();
            in.next();
            map.put(key, in.string());
            checkEntries("metadata", map.size());
        }
        return PromptDraft.frozen(map);
    }

    private @Nullable Map<Integer, Double> logitBias() throws WireException {
        if (in.isNull()) {
            return null;
        }
        Map<Integer, Double> map = new LinkedHashMap<>();
        in.requireObject();
        while (in.nextName()) {
            int token = PromptDraft.biasedToken(in.chars());
            if (token < 0) {
                throw in.error(PromptDraft.biasProblem(in.chars()));
            }
            in.next();
            map.put(token, in.number());
            checkEntries("logit_bias", map.size());
        }
        return PromptDraft.frozen(map);
    }

    private void checkEntries(String name, int entries) throws WireException {
        if (entries > limits.maxMetadata()) {
            throw new WireException(
                    pathOf(name), in.offset(), "has more than " + limits.maxMetadata() + " entries: send fewer");
        }
    }

    private @Nullable List<String> stop() throws WireException {
        if (in.isNull()) {
            return null;
        }
        if (in.is(JsonToken.VALUE_STRING)) {
            return List.of(in.chars());
        }
        if (!in.is(JsonToken.START_ARRAY)) {
            throw in.wrongType("a string or an array of strings");
        }
        return strings();
    }

    private List<String> strings() throws WireException {
        in.requireArray();
        List<String> out = new ArrayList<>();
        while (in.next() != JsonToken.END_ARRAY) {
            out.add(in.string());
        }
        return List.copyOf(out);
    }

    private @Nullable List<Integer> stopTokenIds() throws WireException {
        if (in.isNull()) {
            return null;
        }
        in.requireArray();
        List<Integer> out = new ArrayList<>();
        while (in.next() != JsonToken.END_ARRAY) {
            out.add(in.int32());
        }
        return List.copyOf(out);
    }
}
