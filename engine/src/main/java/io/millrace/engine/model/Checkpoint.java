package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** All tensors of a folder's shards by name. Immutable; any thread. */
final class Checkpoint {
    /** A tensor and the shard that holds it. */
    record Located(SafetensorsFile shard, SafetensorsFile.Entry entry) {}

    private final Map<String, SafetensorsFile> shards;
    private final Map<String, Located> tensors;

    private Checkpoint(Map<String, SafetensorsFile> shards, Map<String, Located> tensors) {
        this.shards = shards;
        this.tensors = tensors;
    }

    /**
     * Brings index and headers together.
     *
     * @param shards file name → shard
     * @param shardOf tensor → file name; empty: whatever the one shard holds. A tensor that a header has but the index doesn't is ignored
     * @throws ConfigException if a tensor isn't where the index says
     */
    static Checkpoint of(Map<String, SafetensorsFile> shards, Map<String, String> shardOf) {
        Map<String, Located> tensors = new LinkedHashMap<>();
        shardOf.forEach((tensor, fileName) -> {
            SafetensorsFile shard = shards.get(fileName);
            SafetensorsFile.Entry entry = shard != null ? shard.entries().get(tensor) : null;
            if (shard == null || entry == null) {
                throw new ConfigException(
                        fileName + ": tensor " + tensor + " is missing, though the index places it there");
            }
            tensors.put(tensor, new Located(shard, entry));
        });
        if (shardOf.isEmpty()) {
            for (SafetensorsFile shard : shards.values()) {
                shard.entries().forEach((tensor, entry) -> tensors.put(tensor, new Located(shard, entry)));
            }
        }
        return new Checkpoint(shards, tensors);
    }

    /** Returns the shards by file name. */
    Map<String, SafetensorsFile> shards() {
        return shards;
    }

    /** Returns the file names of the shards that hold tensors whose names start like that, in order. */
    SortedSet<String> shardsOf(String prefix) {
        SortedSet<String> names = new TreeSet<>();
        tensors.forEach((tensor, at) -> {
            if (tensor.startsWith(prefix)) {
                names.add(at.shard().fileName());
            }
        });
        return names;
    }

    @Nullable
    Located find(String tensor) {
        return tensors.get(tensor);
    }

    /**
     * Checks that all tensors are there as wanted and that no other is, before a byte of them is read. Ignored are the MTP
     * layers' tensors and rope frequencies, which follow from the config.
     */
    void check(ModelConfig config) {
        Set<String> known = new HashSet<>();
        for (TensorSpec spec : ModelTensors.main(config)) {
            check(spec);
            known.add(spec.name());
        }
        for (Map.Entry<String, Located> e : tensors.entrySet()) {
            if (!known.contains(e.getKey()) && !isIgnored(e.getKey(), config)) {
                throw new ConfigException(e.getValue().shard().fileName() + ": tensor " + e.getKey()
                        + " has no place in the model that config.json describes");
            }
        }
    }

    private static boolean isIgnored(String tensor, ModelConfig config) {
        for (int j = 0; j < config.numNextnPredictLayers(); j++) {
            if (tensor.startsWith(ModelTensors.prefix(config.numHiddenLayers() + j))) {
                return true;
            }
        }
        return tensor.endsWith(".rotary_emb.inv_freq");
    }

    /** Checks that a tensor is there as wanted. */
    void check(TensorSpec spec) {
        Located at = tensors.get(spec.name());
        if (at == null) {
            throw missing(spec);
        }
        List<String> dtypes = dtypes(spec);
        if (!dtypes.contains(at.entry().dtype())) {
            throw refuse(at, "is " + at.entry().dtype() + " but must be " + String.join(" or ", dtypes));
        }
        if (!at.entry().shape().equals(spec.shape())) {
            throw refuse(at, "has shape " + at.entry().shape() + " but config.json makes it " + spec.shape());
        }
    }

    private static List<String> dtypes(TensorSpec spec) {
        return switch (spec.dtype()) {
            case E4M3 -> List.of("F8_E4M3");
            case F32 -> spec.isScale() ? List.of("F32") : List.of("F32", "BF16");
            default -> spec.isLinear() ? List.of("BF16") : List.of("BF16", "F32");
        };
    }

    private ConfigException missing(TensorSpec spec) {
        if (spec.isScale()) {
            String weight = spec.name().substring(0, spec.name().length() - "_scale_inv".length());
            Located at = tensors.get(weight);
            if (at != null) {
                return refuse(at, "has no block scales: " + spec.name() + " is missing");
            }
        }
        String places = shards.size() == 1 ? shards.keySet().iterator().next() : shards.size() + " safetensors files";
        return new ConfigException(places + ": tensor " + spec.name() + " is missing");
    }

    /** Makes the complaint about a tensor. */
    static ConfigException refuse(Located at, String complaint) {
        return new ConfigException(
                at.shard().fileName() + ": tensor " + at.entry().name() + " " + complaint);
    }

    /** Returns a tensor that {@link #check} has seen. */
    Located located(String tensor) {
        Located at = tensors.get(tensor);
        if (at == null) {
            throw new IllegalStateException("tensor " + tensor + " wasn't checked");
        }
        return at;
    }

    /** Looks at every number of every tensor in a dtype that models use. */
    void scan(ProgressListener listener) {
        List<Located> all = tensors.values().stream()
                .filter(at -> FiniteScan.knows(at.entry().dtype()))
                .toList();
        ByteProgress progress = new ByteProgress(
                all.stream()
                        .mapToLong(at -> at.entry().end() - at.entry().begin())
                        .sum(),
                listener);
        List<Callable<Integer>> tasks = new ArrayList<>();
        all.forEach(at -> tasks.add(() -> {
            int bytes = finiteData(at).remaining();
            progress.add(bytes);
            return bytes;
        }));
        LoaderThreads.all(tasks);
    }

    /** Returns a tensor's bytes after looking at every number of it: no NaN, no infinity. */
    ByteBuffer finiteData(Located at) {
        ByteBuffer data = at.shard().data(at.entry());
        long bad = FiniteScan.firstBad(at.entry().dtype(), data);
        if (bad >= 0) {
            throw refuse(at, "holds a NaN or an infinity, first at element " + bad + ": the file is damaged");
        }
        return data;
    }
}
