package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.PromptInput;
import org.jspecify.annotations.Nullable;

/**
 * What a row asks.
 *
 * @param row index of the row
 * @param place {@code file:line} of the row
 * @param id the row's own id, else {@code file:line}
 * @param input for the engine
 * @param prompt the same as text: the template's, or the last message
 * @param answer what is right; null = the row doesn't say
 * @param columns all values of the row
 */
record Question(
        long row,
        String place,
        String id,
        PromptInput input,
        String prompt,
        @Nullable String answer,
        ObjectNode columns) {}
