package io.millrace.schemas;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A prompt as decoded from the wire: checked for form, types and bounds of sizes, not yet for meaning (that is the
 * operators' validator). Exactly one of {@code messages}, {@code text}, {@code tokenIds} and {@code
 * program} is given.
 *
 * @param form which form it came in; the answer mirrors it
 * @param id the request's own id ({@code id}, else {@code custom_id}), null if it has none
 * @param customId the batch form's {@code custom_id}, to be mirrored
 * @param model the model it asks for, null or empty = whatever is served
 * @param messages conversation
 * @param text raw-completion form
 * @param tokenIds raw-completion form as token ids
 * @param isRaw added tokens in {@code text} are recognised ({@code raw: true})
 * @param sampling what it says about sampling
 * @param returnTokenIds wants {@code prompt_token_ids} and {@code choices[].token_ids}
 * @param isStream wants partial completions too
 * @param isEcho wants the prompt ahead of the text; the raw form only
 * @param bestOf samples of which the likeliest are returned, never 1; null = there is nothing to choose
 * @param promptLogprobs most likely tokens to report beside each of the prompt's own, whose log-probabilities are wanted; null = none are
 * @param badWords texts whose tokens the output must not complete
 * @param priority lower is earlier; 0 if not said
 * @param deadlineMs milliseconds from publishing, null = none
 * @param tenant for fairness, null = none
 * @param user carried to the completion
 * @param metadata carried to the completion
 * @param unknownFields names of fields that were ignored, at most a handful
 * @param structure what the answer must look like, null = anything
 * @param program a JSON array of steps, as it stands: {@code docs/programs.md}
 */
@SuppressWarnings("ArrayRecordComponent") // decoded once, compared by nobody
public record Prompt(
        Form form,
        @Nullable String id,
        @Nullable String customId,
        @Nullable String model,
        @Nullable List<Message> messages,
        @Nullable String text,
        int @Nullable [] tokenIds,
        boolean isRaw,
        Sampling sampling,
        boolean returnTokenIds,
        boolean isStream,
        boolean isEcho,
        @Nullable Integer bestOf,
        @Nullable Integer promptLogprobs,
        List<String> badWords,
        int priority,
        @Nullable Long deadlineMs,
        @Nullable String tenant,
        @Nullable String user,
        Map<String, String> metadata,
        List<String> unknownFields,
        @Nullable Structure structure,
        @Nullable String program) {

    /** How the prompt was written. */
    public enum Form {
        /** The body of an OpenAI chat-completions request with an {@code id}. */
        CHAT,
        /** {@code {"id", "prompt"}}: raw text or token ids. */
        RAW,
        /** A line of the OpenAI batch format. */
        BATCH,
        /** An Avro record. */
        AVRO
    }

    /** One turn; {@code role} is {@code system}, {@code user} or {@code assistant}. */
    public record Message(String role, String content) {}

    /**
     * What {@code response_format} or a {@code guided_…} field asks for.
     *
     * @param kind how {@code source} is read
     * @param source schema, regex or grammar; empty for the other kinds
     * @param choices of {@link StructureKind#CHOICE}
     */
    public record Structure(StructureKind kind, String source, List<String> choices) {}

    /** How a structure is written. */
    public enum StructureKind {
        /** {@code response_format: {"type": "json_object"}}. */
        JSON_OBJECT,
        /** {@code response_format: {"type": "json_schema"}} or {@code guided_json}. */
        JSON_SCHEMA,
        /** {@code guided_regex}. */
        REGEX,
        /** {@code guided_choice}. */
        CHOICE,
        /** {@code guided_grammar}. */
        GRAMMAR
    }

    /** Sampling fields as given; null = not said. Ranges are checked where they are resolved. */
    public record Sampling(
            @Nullable Integer maxTokens,
            @Nullable Integer minTokens,
            @Nullable Double temperature,
            @Nullable Double topP,
            @Nullable Integer topK,
            @Nullable Double minP,
            @Nullable Double presencePenalty,
            @Nullable Double frequencyPenalty,
            @Nullable Double repetitionPenalty,
            @Nullable Long seed,
            @Nullable Integer n,
            @Nullable List<String> stop,
            @Nullable List<Integer> stopTokenIds,
            @Nullable Boolean ignoreEos,
            @Nullable Map<Integer, Double> logitBias,
            @Nullable Boolean logprobs,
            @Nullable Integer topLogprobs) {}
}
