package io.millrace.schemas;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A prompt while its fields come in, in whatever order and from whichever codec. One thread. */
final class PromptDraft {
    private static final int MAX_UNKNOWN = 8;

    @Nullable
    String id;

    @Nullable
    String customId;

    @Nullable
    String model;

    @Nullable
    List<Prompt.Message> messages;

    @Nullable
    String text;

    int @Nullable [] tokenIds;
    boolean isRaw;
    boolean returnTokenIds;
    boolean isStream;
    boolean isEcho;

    @Nullable
    Integer bestOf;

    @Nullable
    Integer promptLogprobs;

    List<String> badWords = List.of();

    int priority;

    @Nullable
    Long deadlineMs;

    @Nullable
    String tenant;

    @Nullable
    String user;

    Map<String, String> metadata = Map.of();
    final List<String> unknownFields = new ArrayList<>();

    @Nullable
    Integer maxTokens;

    @Nullable
    Integer maxCompletionTokens;

    @Nullable
    Integer minTokens;

    @Nullable
    Double temperature;

    @Nullable
    Double topP;

    @Nullable
    Integer topK;

    @Nullable
    Double minP;

    @Nullable
    Double presencePenalty;

    @Nullable
    Double frequencyPenalty;

    @Nullable
    Double repetitionPenalty;

    @Nullable
    Long seed;

    @Nullable
    Integer n;

    @Nullable
    List<String> stop;

    @Nullable
    List<Integer> stopTokenIds;

    @Nullable
    Boolean ignoreEos;

    @Nullable
    Map<Integer, Double> logitBias;

    @Nullable
    Boolean logprobs;

    @Nullable
    Integer topLogprobs;

    Prompt.@Nullable Structure structure;

    @Nullable
    String program;

    /** Notes an ignored field; only the first few are kept. */
    void addUnknown(String path) {
        if (unknownFields.size() < MAX_UNKNOWN && !unknownFields.contains(path)) {
            unknownFields.add(path);
        }
    }

    /** Returns the role as templates know it, null for an unknown one. */
    static @Nullable String role(String role) {
        return switch (role) {
            case "system", "developer" -> "system";
            case "user", "assistant" -> role;
            default -> null;
        };
    }

    static String roleProblem(String role) {
        return WireText.quote(role) + " is no known role: use system, developer, user or assistant";
    }

    /** Returns the token id that a key of {@code logit_bias} spells (decimal, no sign, no leading zero), −1 for none. */
    static int biasedToken(String key) {
        boolean isDecimal = !key.isEmpty() && key.length() <= 10 && key.chars().allMatch(c -> c >= '0' && c <= '9');
        long token = isDecimal ? Long.parseLong(key) : -1;
        return token <= Integer.MAX_VALUE && Long.toString(token).equals(key) ? (int) token : -1;
    }

    static String biasProblem(String key) {
        return WireText.quote(key) + " is no token id: use decimal digits";
    }

    /**
     * Checks the fields against each other.
     *
     * @param at prefix of the fields' paths, empty or ending in a dot
     */
    Prompt build(Prompt.Form form, String at) throws WireException {
        checkWhatIsAsked(at);
        if (maxTokens != null && maxCompletionTokens != null && !maxTokens.equals(maxCompletionTokens)) {
            String reason =
                    maxCompletionTokens + " contradicts max_tokens " + maxTokens + ": they are two names of one limit";
            throw new WireException(at + "max_completion_tokens", -1, reason);
        }
        if (topLogprobs != null && !Boolean.TRUE.equals(logprobs)) {
            throw new WireException(at + "top_logprobs", -1, topLogprobs + " needs logprobs: true");
        }
        Prompt.Sampling sampling = new Prompt.Sampling(
                maxTokens != null ? maxTokens : maxCompletionTokens,
                minTokens,
                temperature,
                topP,
                topK,
                minP,
                presencePenalty,
                frequencyPenalty,
                repetitionPenalty,
                seed,
                n,
                stop,
                stopTokenIds,
                ignoreEos,
                logitBias,
                logprobs,
                topLogprobs);
        return new Prompt(
                form,
                id,
                customId,
                model,
                messages,
                text,
                tokenIds,
                isRaw,
                sampling,
                returnTokenIds,
                isStream,
                isEcho,
                bestOf,
                promptLogprobs,
                badWords,
                priority,
                deadlineMs,
                tenant,
                user,
                metadata,
                List.copyOf(unknownFields),
                structure,
                program);
    }

    private void checkWhatIsAsked(String at) throws WireException {
        boolean hasPrompt = text != null || tokenIds != null;
        if (program != null) {
            checkProgram(at, hasPrompt);
            return;
        }
        if (messages == null && !hasPrompt) {
            throw new WireException(at + "messages", -1, "is missing: give messages, or prompt for raw text");
        }
        if ((messages != null && hasPrompt) || (text != null && tokenIds != null)) {
            throw new WireException(
                    at + "prompt",
                    -1,
                    "is given twice: leave all but one of messages, prompt text and prompt token ids out");
        }
        if (isEcho && (messages != null || Boolean.TRUE.equals(logprobs))) {
            throw new WireException(
                    at + "echo",
                    -1,
                    "true goes with prompt only, and without logprobs: those of prompts aren't computed");
        }
        if (isStream && bestOf != null) {
            throw new WireException(
                    at + "best_of", -1, bestOf + " contradicts stream: nobody knows the best before the end");
        }
        if (isRaw && messages != null) {
            throw new WireException(
                    at + "raw", -1, "true goes with prompt only: messages are never read for added tokens");
        }
    }

    /** Fields that mean nothing where there is more than one answer are refused by name, or they would be ignored. */
    private void checkProgram(String at, boolean hasPrompt) throws WireException {
        if (messages != null || hasPrompt) {
            throw new WireException(at + "program", -1, "is given beside messages or prompt: leave all but one out");
        }
        Map<String, Boolean> given = new LinkedHashMap<>();
        given.put("stream", isStream);
        given.put("echo", isEcho);
        given.put("raw", isRaw);
        given.put("best_of", bestOf != null);
        given.put("n", n != null && n != 1);
        given.put("prompt_logprobs", promptLogprobs != null);
        given.put("logprobs", Boolean.TRUE.equals(logprobs));
        given.put("return_token_ids", returnTokenIds);
        given.put("bad_words", !badWords.isEmpty());
        given.put("response_format", structure != null);
        for (Map.Entry<String, Boolean> field : given.entrySet()) {
            if (field.getValue()) {
                String reason = "doesn't go with program: remove it; bad_words and structures belong to a gen";
                throw new WireException(at + field.getKey(), -1, reason);
            }
        }
    }

    /** Makes a map unmodifiable that nobody else holds; it keeps its order, which is the wire's. */
    static <K, V> Map<K, V> frozen(Map<K, V> map) {
        return map.isEmpty() ? Map.of() : Collections.unmodifiableMap(map);
    }
}
