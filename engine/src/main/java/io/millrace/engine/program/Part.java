package io.millrace.engine.program;

import io.millrace.engine.EngineRequest;
import io.millrace.engine.PromptInput;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.Scoring;
import io.millrace.engine.structure.Structure;
import org.jspecify.annotations.Nullable;

/**
 * One request to the engine.
 *
 * @param index which part of the program
 * @param name of the result that it is for
 * @param prompt the conversation before it
 * @param params sampling, with the part's own seed
 * @param structure what its text must look like, null = anything
 * @param scoring a choice to score; null = it draws
 */
public record Part(
        int index,
        String name,
        PromptInput.Turn prompt,
        SamplingParams params,
        @Nullable Structure structure,
        @Nullable Scoring scoring) {

    /**
     * Makes the request.
     *
     * @param program id and terms of the whole
     * @param keptTokens what it has drawn before a failure, null = it has just begun
     */
    public EngineRequest request(EngineRequest program, int @Nullable [] keptTokens) {
        int[][] kept = keptTokens == null ? null : new int[][] {keptTokens};
        return new EngineRequest(program.id(), prompt, params, program.terms(), kept, structure, scoring);
    }
}
