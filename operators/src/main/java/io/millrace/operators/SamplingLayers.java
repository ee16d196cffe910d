package io.millrace.operators;

import io.millrace.engine.ConfigException;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptJson;
import io.millrace.schemas.WireException;
import io.millrace.schemas.WireLimits;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Sampling fields of the wire as the engine's layers of options. Any thread. */
final class SamplingLayers {
    private SamplingLayers() {}

    /**
     * Translates a request's sampling fields.
     *
     * @throws RejectedException if {@code top_logprobs} is given without {@code logprobs}, or out of range
     */
    static SamplingOptions of(Prompt.Sampling s) {
        return new SamplingOptions(
                s.maxTokens(),
                s.minTokens(),
                s.temperature(),
                s.topP(),
                s.topK(),
                s.minP(),
                s.presencePenalty(),
                s.frequencyPenalty(),
                s.repetitionPenalty(),
                s.seed(),
                s.n(),
                s.stop(),
                s.stopTokenIds(),
                s.ignoreEos(),
                s.logitBias(),
                topLogprobs(s.logprobs(), s.topLogprobs()));
    }

    /**
     * Reads the command line's sampling, a JSON object with the request's field names.
     *
     * @throws ConfigException if it isn't one
     */
    static SamplingOptions ofCommandLine(String json) {
        String object = json.strip();
        if (object.isEmpty()) {
            return SamplingOptions.NONE;
        }
        if (!object.startsWith("{")) {
            throw new ConfigException("sampling defaults are " + object + " but must be a JSON object");
        }
        // A request without a prompt: the same fields are read by the same code.
        String fields = object.substring(1).stripLeading();
        String asRequest = "{\"prompt\":\"\"" + (fields.startsWith("}") ? "" : ",") + fields;
        try {
            SamplingOptions options =
                    of(PromptJson.decode(asRequest.getBytes(StandardCharsets.UTF_8), WireLimits.DEFAULT, true)
                            .sampling());
            SamplingParams.resolve(options, 0); // ranges
            return options;
        } catch (WireException | RejectedException e) {
            throw new ConfigException("sampling defaults " + object + ": " + e.getMessage(), e);
        }
    }

    private static @Nullable Integer topLogprobs(@Nullable Boolean isWanted, @Nullable Integer count) {
        if (count != null && (isWanted == null || !isWanted)) {
            throw new RejectedException(
                    Stage.VALIDATE,
                    false,
                    "top_logprobs is " + count + " but logprobs is not true: set both or neither");
        }
        if (count != null && (count < 0 || count > SamplingParams.MAX_TOP_LOGPROBS)) {
            throw new RejectedException(
                    Stage.VALIDATE,
                    false,
                    "top_logprobs is " + count + " but must be from 0 to " + SamplingParams.MAX_TOP_LOGPROBS);
        }
        if (isWanted == null) {
            return null;
        }
        return isWanted ? Integer.valueOf(count == null ? 0 : count) : Integer.valueOf(-1);
    }
}
