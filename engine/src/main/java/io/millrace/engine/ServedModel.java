package io.millrace.engine;

import io.millrace.engine.text.Tokenizer;

/**
 * What an engine serves, for provenance and for whoever prepares requests.
 *
 * @param name served name: the model folder's
 * @param hash content hash of the model folder, hex
 * @param backend {@code cpu} or {@code cuda}
 * @param plan parallel plan
 * @param maxModelLen prompt plus generated tokens at most
 * @param samplingDefaults command line over generation_config.json
 * @param tokenizer the model's; without text for a folder without tokenizer.json
 */
public record ServedModel(
        String name,
        String hash,
        String backend,
        String plan,
        int maxModelLen,
        SamplingOptions samplingDefaults,
        Tokenizer tokenizer) {}
