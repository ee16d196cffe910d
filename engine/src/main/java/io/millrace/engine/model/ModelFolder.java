package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint folder as published: config.json, generation_config.json, tokenizer.json, tokenizer_config.json, and either
 * model.safetensors.index.json with its shards or one model.safetensors. Only files inside the folder are ever opened, whatever
 * the index or a link says. Immutable; any thread.
 */
public final class ModelFolder {
    private static final String INDEX = "model.safetensors.index.json";
    private static final String SINGLE = "model.safetensors";
    private static final long MAX_INDEX_BYTES = 64L << 20;

    private final Path folder;
    private final ModelConfig config;
    private final GenerationConfig generationConfig;

    private ModelFolder(Path folder, ModelConfig config, GenerationConfig generationConfig) {
        this.folder = folder;
        this.config = config;
        this.generationConfig = generationConfig;
    }

    /**
     * Reads the configs. Weights are looked at by {@link #checkpoint}.
     *
     * @throws ConfigException naming the file and what is wrong with it
     */
    public static ModelFolder open(Path path) {
        try {
            if (!Files.isDirectory(path)) {
                throw new ConfigException(
                        "model folder " + path + " is no folder: give one with config.json and safetensors files");
            }
            Path folder = path.toRealPath();
            Path configFile = existing(folder, "config.json");
            if (configFile == null) {
                throw new ConfigException("model folder " + path + " has no config.json");
            }
            ModelConfig config = ModelConfig.read(configFile);
            return new ModelFolder(
                    folder, config, GenerationConfig.read(existing(folder, "generation_config.json"), config));
        } catch (IOException e) {
            throw new ConfigException("model folder " + path + " can't be read: " + e, e);
        }
    }

    /** Returns the served name: the folder's own. */
    public String name() {
        Path last = folder.getFileName();
        return last != null ? last.toString() : "model";
    }

    /** Returns the folder, with links resolved. */
    public Path path() {
        return folder;
    }

    /** Returns config.json. */
    public ModelConfig config() {
        return config;
    }

    /** Returns generation_config.json, or what stands without one. */
    public GenerationConfig generationConfig() {
        return generationConfig;
    }

    /** Returns a file of the folder by its plain name, or null if there is none. */
    public @Nullable Path file(String fileName) {
        return existing(folder, fileName);
    }

    /** Opens all shards and reads their headers. */
    Checkpoint checkpoint() {
        Map<String, String> shardOf = shardOf();
        Map<String, SafetensorsFile> shards = new TreeMap<>();
        for (String shard : shardNames(shardOf)) {
            shards.put(shard, SafetensorsFile.open(required(shard)));
        }
        return Checkpoint.of(shards, shardOf);
    }

    /**
     * Returns the content hash: SHA-256 over name, size and SHA-256 of config.json, tokenizer.json, tokenizer_config.json, the
     * index and every shard, in the order of their names; hex. Reads every byte.
     */
    public String hash(ProgressListener listener) {
        ContentHash hash = contentHash(listener);
        hash.readAll();
        return hash.hex();
    }

    /** Returns {@link #hash} before anything is read. */
    ContentHash contentHash(ProgressListener listener) {
        TreeMap<String, Path> files = new TreeMap<>();
        for (String fileName : new String[] {"config.json", "tokenizer.json", "tokenizer_config.json", INDEX}) {
            Path file = existing(folder, fileName);
            if (file != null) {
                files.put(fileName, file);
            }
        }
        for (String shard : shardNames(shardOf())) {
            files.put(shard, required(shard));
        }
        return new ContentHash(files, listener);
    }

    /**
     * Checks headers against config.json and looks at every number of every shard, MTP layers included.
     *
     * @throws ConfigException naming the file and the tensor that can't be used
     */
    public void verify(ProgressListener listener) {
        Checkpoint checkpoint = checkpoint();
        checkpoint.check(config);
        checkpoint.scan(listener);
    }

    private static Set<String> shardNames(Map<String, String> shardOf) {
        return shardOf.isEmpty() ? Set.of(SINGLE) : new TreeSet<>(shardOf.values());
    }

    /** Returns tensor → shard by the index; empty if there is none. */
    private Map<String, String> shardOf() {
        Path index = existing(folder, INDEX);
        Map<String, String> shardOf = new LinkedHashMap<>();
        if (index == null) {
            return shardOf;
        }
        JsonFile weightMap = JsonFile.read(index, MAX_INDEX_BYTES).object("weight_map");
        for (String tensor : weightMap.keys()) {
            String shard = weightMap.text(tensor);
            if (!shard.endsWith(".safetensors")
                    || shard.contains("/")
                    || shard.contains("\\")
                    || shard.contains("\0")) {
                throw new ConfigException(String.format(
                        Locale.ROOT,
                        "%s: tensor %s is said to be in \"%s\" but a shard is a .safetensors file of the model folder",
                        INDEX,
                        tensor,
                        shard));
            }
            shardOf.put(tensor, shard);
        }
        if (shardOf.isEmpty()) {
            throw new ConfigException(INDEX + ": weight_map is empty");
        }
        return shardOf;
    }

    private Path required(String fileName) {
        Path file = existing(folder, fileName);
        if (file == null) {
            throw new ConfigException(fileName + " is missing in model folder " + folder);
        }
        return file;
    }

    private static @Nullable Path existing(Path folder, String fileName) {
        Path file = folder.resolve(fileName);
        if (!Files.exists(file)) {
            return null;
        }
        try {
            Path real = file.toRealPath();
            if (!real.startsWith(folder)) {
                throw new ConfigException(fileName + " is a link to " + real + ", outside the model folder " + folder
                        + ": put the file itself there");
            }
            return real;
        } catch (IOException e) {
            throw new ConfigException(fileName + " in model folder " + folder + " can't be read: " + e, e);
        }
    }
}
