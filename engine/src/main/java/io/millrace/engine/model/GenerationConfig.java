package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import io.millrace.engine.RejectedException;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What generation_config.json says. Immutable; any thread.
 *
 * @param defaults sampling when neither request nor command line says; {@code do_sample: false} is temperature 0
 * @param eosTokenIds ids that end a sequence: the file's, else config.json's
 */
public record GenerationConfig(SamplingOptions defaults, List<Integer> eosTokenIds) {

    /** Reads a file; without one nothing is said and config.json's end tokens stand. */
    public static GenerationConfig read(@Nullable Path file, ModelConfig config) {
        return file == null
                ? new GenerationConfig(SamplingOptions.NONE, config.eosTokenIds())
                : of(JsonFile.read(file, ModelConfig.MAX_FILE_BYTES), config);
    }

    static GenerationConfig of(JsonFile json, ModelConfig config) {
        boolean isGreedy = json.has("do_sample") && !json.bool("do_sample");
        SamplingOptions defaults = new SamplingOptions(
                json.integerOrNull("max_new_tokens"),
                null,
                isGreedy ? Double.valueOf(0) : json.numberOrNull("temperature"),
                json.numberOrNull("top_p"),
                json.integerOrNull("top_k"),
                json.numberOrNull("min_p"),
                null,
                null,
                json.numberOrNull("repetition_penalty"),
                null,
                null,
                null,
                null,
                null,
                null,
                null);
        try {
            SamplingParams.resolve(defaults, 0);
        } catch (RejectedException e) {
            throw new ConfigException(json.fileName() + ": " + e.getMessage(), e);
        }
        List<Integer> eos = json.ids("eos_token_id", config.vocabSize() - 1);
        return new GenerationConfig(defaults, eos.isEmpty() ? config.eosTokenIds() : eos);
    }
}
