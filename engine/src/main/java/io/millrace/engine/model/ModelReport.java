package io.millrace.engine.model;

import java.util.List;

/**
 * What {@code model inspect} shows of a model. Counts are exact sums over tensors; block scales are no parameters.
 *
 * @param name the folder's
 * @param config config.json
 * @param numParameters of the main model
 * @param numActiveParameters that one token meets, embedding and head included: all but the routed experts it doesn't choose
 * @param numMtpParameters of the MTP layers, without their copies of embedding and head
 * @param e4m3Bytes of the main model's block-scaled weights
 * @param scaleBytes of their scales
 * @param otherBytes of everything unquantised in the main model
 * @param fileBytes of all shards, 0 where only a config was looked at
 * @param numShards safetensors files
 * @param numTensors in the files
 */
public record ModelReport(
        String name,
        ModelConfig config,
        long numParameters,
        long numActiveParameters,
        long numMtpParameters,
        long e4m3Bytes,
        long scaleBytes,
        long otherBytes,
        long fileBytes,
        int numShards,
        int numTensors) {

    /**
     * Looks at config and headers, and checks that they fit.
     *
     * @throws io.millrace.engine.ConfigException naming the file and the tensor that can't be used
     */
    public static ModelReport of(ModelFolder folder) {
        Checkpoint checkpoint = folder.checkpoint();
        checkpoint.check(folder.config());
        long bytes = checkpoint.shards().values().stream()
                .mapToLong(SafetensorsFile::fileBytes)
                .sum();
        int tensors = checkpoint.shards().values().stream()
                .mapToInt(shard -> shard.entries().size())
                .sum();
        return of(folder.name(), folder.config(), bytes, checkpoint.shards().size(), tensors);
    }

    /** Counts what a config asks for. */
    public static ModelReport of(String name, ModelConfig config) {
        return of(name, config, 0, 0, 0);
    }

    private static ModelReport of(String name, ModelConfig config, long fileBytes, int numShards, int numTensors) {
        long e4m3 = 0;
        long scales = 0;
        long other = 0;
        long routed = 0;
        List<TensorSpec> main = ModelTensors.main(config);
        for (TensorSpec spec : main) {
            switch (spec.dtype()) {
                case E4M3 -> e4m3 += spec.sizeBytes();
                case F32 -> {
                    scales += spec.isScale() ? spec.sizeBytes() : 0;
                    other += spec.isScale() ? 0 : spec.sizeBytes();
                }
                default -> other += spec.sizeBytes();
            }
            routed += !spec.isScale() && spec.name().contains(".experts.") ? spec.numElements() : 0;
        }
        long all = parameters(main);
        long idle = routed / config.nRoutedExperts() * (config.nRoutedExperts() - config.numExpertsPerTok());
        return new ModelReport(
                name,
                config,
                all,
                all - idle,
                parameters(ModelTensors.mtp(config)),
                e4m3,
                scales,
                other,
                fileBytes,
                numShards,
                numTensors);
    }

    private static long parameters(List<TensorSpec> specs) {
        return specs.stream()
                .filter(spec -> !spec.isScale())
                .mapToLong(TensorSpec::numElements)
                .sum();
    }

    /** Returns the bytes of the main model's weights. */
    public long weightBytes() {
        return e4m3Bytes + scaleBytes + otherBytes;
    }
}
