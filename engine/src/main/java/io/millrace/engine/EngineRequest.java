package io.millrace.engine;

import io.millrace.engine.structure.Structure;
import org.jspecify.annotations.Nullable;

/**
 * One request at the engine's edge.
 *
 * @param id for logs and messages; need not be unique
 * @param prompt what to continue
 * @param params resolved sampling
 * @param terms how it is served beside others
 * @param keptTokens per sample the tokens generated before a failure (empty at first): [n][·]; they are prefilled with the prompt
 *     and not generated again. A sample whose kept tokens already end it finishes at once. Null = none
 * @param structure what the answer must look like, null = anything
 * @param scoring which of the given tokens' log-probabilities are wanted, null = none
 */
@SuppressWarnings("ArrayRecordComponent") // owned by the request, compared by nobody
public record EngineRequest(
        String id,
        PromptInput prompt,
        SamplingParams params,
        ServiceTerms terms,
        int @Nullable [] @Nullable [] keptTokens,
        @Nullable Structure structure,
        @Nullable Scoring scoring) {

    /** A request without given tokens to score. */
    public EngineRequest(
            String id,
            PromptInput prompt,
            SamplingParams params,
            ServiceTerms terms,
            int @Nullable [] @Nullable [] keptTokens,
            @Nullable Structure structure) {
        this(id, prompt, params, terms, keptTokens, structure, null);
    }

    /** A request that is nobody's, has no deadline, and whose answer may be anything. */
    public EngineRequest(
            String id,
            PromptInput prompt,
            SamplingParams params,
            int priority,
            int @Nullable [] @Nullable [] keptTokens) {
        this(id, prompt, params, ServiceTerms.ofPriority(priority), keptTokens, null);
    }

    /** Returns the same request on other terms. */
    public EngineRequest withTerms(ServiceTerms other) {
        return new EngineRequest(id, prompt, params, other, keptTokens, structure, scoring);
    }
}
