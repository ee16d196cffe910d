package io.millrace.schemas;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer, ready to be encoded in the form that its prompt had. Field order on the wire is fixed.
 *
 * @param form the prompt's form
 * @param id the request's id (its own, else the record's key, else {@code topic-partition-offset})
 * @param customId the batch form's {@code custom_id}
 * @param created seconds since the epoch
 * @param model the served model's name
 * @param choices one per sample, by index; a program's only one is its last result
 * @param results a program's, in its order; empty for other prompts
 * @param usage tokens, all samples together
 * @param promptTokenIds when asked for
 * @param promptLogprobs when asked for, one per token of the prompt but the first
 * @param user carried from the prompt
 * @param metadata carried from the prompt
 * @param provenance how it was made
 */
@SuppressWarnings("ArrayRecordComponent") // encoded once, compared by nobody
public record Completion(
        Prompt.Form form,
        String id,
        @Nullable String customId,
        long created,
        String model,
        List<Choice> choices,
        List<Result> results,
        Usage usage,
        int @Nullable [] promptTokenIds,
        @Nullable List<TokenLogprob> promptLogprobs,
        @Nullable String user,
        Map<String, String> metadata,
        Provenance provenance) {

    /**
     * One sample.
     *
     * @param index from 0
     * @param content the answer; null if it ended inside its reasoning
     * @param reasoningContent the reasoning; null if there was none
     * @param text everything as one string (raw form)
     * @param finishReason {@code stop}, {@code length}, {@code deadline}, {@code cancelled}
     * @param tokenIds when asked for
     * @param logprobs when asked for, one per generated token
     */
    @SuppressWarnings("ArrayRecordComponent") // encoded once, compared by nobody
    public record Choice(
            int index,
            @Nullable String content,
            @Nullable String reasoningContent,
            String text,
            String finishReason,
            int @Nullable [] tokenIds,
            @Nullable List<TokenLogprob> logprobs) {}

    /** A generated token with its log-probability and the most likely ones at its place. */
    @SuppressWarnings("ArrayRecordComponent") // encoded once, compared by nobody
    public record TokenLogprob(String token, int tokenId, byte[] bytes, float logprob, List<TopLogprob> topLogprobs) {}

    /** One of the most likely tokens. */
    @SuppressWarnings("ArrayRecordComponent") // encoded once, compared by nobody
    public record TopLogprob(String token, int tokenId, byte[] bytes, float logprob) {}

    /**
     * A named result of a program.
     *
     * @param name with the numbers of its branches and rounds
     * @param text a draw's answer, null if it ended inside its reasoning; or the chosen text
     * @param reasoningContent null if there was none
     * @param finishReason as a choice's
     * @param seed of the draw, null for a chosen text
     * @param promptTokens of the draw, or of all scored choices together
     * @param completionTokens drawn
     * @param candidates what there was to choose from; empty for a draw
     */
    public record Result(
            String name,
            @Nullable String text,
            @Nullable String reasoningContent,
            String finishReason,
            @Nullable Long seed,
            int promptTokens,
            int completionTokens,
            List<Candidate> candidates) {}

    /** A text that could be chosen, the log-probability by which it was judged, and its number of tokens. */
    public record Candidate(String text, double logprob, int tokens) {}

    /** Token counts. */
    public record Usage(int promptTokens, int completionTokens, int cachedTokens, int reasoningTokens) {}

    /**
     * How a completion was made. {@code ttftMs}, {@code totalMs}, {@code resumed}, {@code draftTokens} and {@code acceptedTokens} may differ between runs that give
     * the same answer; all else may not.
     *
     * @param modelHash content hash of the model folder
     * @param engineVersion version of Millrace
     * @param backend {@code cpu} or {@code cuda}
     * @param plan parallel plan
     * @param seed the seed really used
     * @param sampling the parameters really used, in a fixed order
     * @param ttftMs time to first token, milliseconds
     * @param totalMs milliseconds from the operator's taking it to its end
     * @param draftTokens drafts made
     * @param acceptedTokens drafts accepted
     * @param resumed tokens kept over failures
     * @param source {@code topic-partition-offset} or {@code file:line}
     */
    public record Provenance(
            String modelHash,
            String engineVersion,
            String backend,
            String plan,
            long seed,
            Map<String, Object> sampling,
            double ttftMs,
            double totalMs,
            int draftTokens,
            int acceptedTokens,
            int resumed,
            String source) {}
}
