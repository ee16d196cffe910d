package io.millrace.engine.model;

import io.millrace.kernels.Bf16Matrix;
import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Device;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Fp8Weight;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.numeric.Bf16;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Checkpoint → a rank's share of the weights on its device. Shapes, dtypes and completeness are checked from the headers first; then
 * layers are uploaded in parallel, and beside them, by the same threads, the files' content hash is computed: what a layer needs is hashed at about the
 * time when the layer is packed, so that a file comes from the disk once. A device refuses NaN codes while it packs them; whatever
 * else is read here is scanned here. Thread: the caller's and loader threads, which end before {@link #load} returns.
 */
final class WeightLoader {
    private final ModelConfig config;
    private final RankShare share;
    private final Checkpoint checkpoint;
    private final Device device;
    private final ByteProgress progress;

    private WeightLoader(RankShare share, Checkpoint checkpoint, Device device, ByteProgress progress) {
        config = share.config();
        this.share = share;
        this.checkpoint = checkpoint;
        this.device = device;
        this.progress = progress;
    }

    /**
     * A model on a device.
     *
     * @param hash content hash of its folder ({@link ModelFolder#hash}); null on ranks other than 0, which don't compute it
     */
    record Loaded(ModelWeights weights, @Nullable String hash) {}

    /**
     * Loads a rank's share of the main model, and the MTP layer where drafts are wanted.
     *
     * @throws io.millrace.engine.ConfigException naming the file and the tensor that can't be used
     */
    static Loaded load(
            ModelFolder folder, RankShare share, boolean isDrafting, Device device, ProgressListener listener) {
        ModelConfig config = folder.config();
        Checkpoint checkpoint = folder.checkpoint();
        checkpoint.check(config);
        List<TensorSpec> specs = new ArrayList<>(ModelTensors.main(config));
        if (isDrafting) {
            ModelTensors.mtp(config).forEach(checkpoint::check);
            specs.addAll(ModelTensors.mtp(config));
        }
        long bytes = specs.stream()
                .filter(spec -> share.reads(spec.name()))
                .map(spec -> checkpoint.located(spec.name()).entry())
                .mapToLong(entry -> entry.end() - entry.begin())
                .sum();
        WeightLoader loader = new WeightLoader(share, checkpoint, device, new ByteProgress(bytes, listener));
        if (share.rank() > 0) {
            return new Loaded(loader.model(isDrafting, null), null);
        }
        ContentHash hash = folder.contentHash(ProgressListener.NONE);
        ModelWeights weights = loader.model(isDrafting, hash);
        return new Loaded(weights, hash.hex());
    }

    private ModelWeights model(boolean isDrafting, @Nullable ContentHash hash) {
        Set<String> unread = new LinkedHashSet<>(hash == null ? Set.of() : hash.fileNames());
        List<Callable<List<LayerWeights>>> tasks = new ArrayList<>();
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            for (String shard : checkpoint.shardsOf(ModelTensors.prefix(i))) {
                if (hash != null && unread.remove(shard)) {
                    tasks.add(reading(hash, shard));
                }
            }
            int layer = i;
            tasks.add(() -> List.of(layer(layer)));
        }
        if (hash != null) {
            unread.forEach(file -> tasks.add(reading(hash, file)));
        }
        List<LayerWeights> layers =
                LoaderThreads.all(tasks).stream().flatMap(List::stream).toList();
        return new ModelWeights(
                embedding(), layers, vector(ModelTensors.FINAL_NORM), head(), isDrafting ? mtp() : null);
    }

    private static Callable<List<LayerWeights>> reading(ContentHash hash, String fileName) {
        return () -> {
            hash.read(fileName);
            return List.of();
        };
    }

    private MtpWeights mtp() {
        int i = config.numHiddenLayers();
        String p = ModelTensors.prefix(i);
        return new MtpWeights(
                vector(p + "enorm.weight"),
                vector(p + "hnorm.weight"),
                dense(p + "eh_proj.weight", config.hiddenSize(), 2 * config.hiddenSize()),
                layer(i),
                vector(p + "shared_head.norm.weight"));
    }

    private LayerWeights layer(int i) {
        String p = ModelTensors.prefix(i);
        return new LayerWeights(
                vector(p + "input_layernorm.weight"),
                attention(p + "self_attn."),
                vector(p + "post_attention_layernorm.weight"),
                config.isMoe(i) ? moe(p + "mlp.") : mlp(p + "mlp.", config.intermediateSize(), share.denseColumns()));
    }

    private AttentionWeights attention(String p) {
        RankShare.Range heads = share.heads();
        int qRows = config.numAttentionHeads() * config.qHeadDim();
        int values = config.numAttentionHeads() * config.vHeadDim();
        AttentionWeights.QueryLatent queryLatent = null;
        if (config.qLoraRank() > 0) {
            queryLatent = new AttentionWeights.QueryLatent(
                    linear(p + "q_a_proj.weight", config.qLoraRank(), config.hiddenSize()),
                    vector(p + "q_a_layernorm.weight"));
        }
        AbsorbedKv kvB = absorbedKv(heads, Matrix.whole(p + "kv_b_proj.weight", config.kvBRows(), config.kvLoraRank()));
        return new AttentionWeights(
                queryLatent,
                linear(Matrix.whole(
                                p + (queryLatent != null ? "q_b_proj.weight" : "q_proj.weight"),
                                qRows,
                                config.qInputSize())
                        .rows(heads, config.qHeadDim())),
                linear(p + "kv_a_proj_with_mqa.weight", config.kvDim(), config.hiddenSize()),
                vector(p + "kv_a_layernorm.weight"),
                heads(p + "kv_b_proj.k", kvB.keyUp(), config.kvLoraRank(), config.qkNopeHeadDim()),
                heads(p + "kv_b_proj.v", kvB.valueUp(), config.vHeadDim(), config.kvLoraRank()),
                linear(Matrix.whole(p + "o_proj.weight", config.hiddenSize(), values)
                        .columns(heads, config.vHeadDim())));
    }

    private AbsorbedKv absorbedKv(RankShare.Range heads, Matrix m) {
        return config.linearFormat().isScaled()
                ? AbsorbedKv.of(
                        config, heads, new Fp8Matrix(data(m.name), data(m.scaleName()), m.wholeRows, m.wholeCols))
                : AbsorbedKv.of(config, heads, bf16(m));
    }

    private MoeWeights moe(String p) {
        List<String> experts = new ArrayList<>();
        for (int e = 0; e < share.experts().count(); e++) {
            experts.add(p + "experts." + (share.experts().first() + e) + ".");
        }
        return new MoeWeights(
                dense(p + "gate.weight", config.nRoutedExperts(), config.hiddenSize()),
                routerBias(p + "gate.e_score_correction_bias"),
                mlps(p + "experts.", experts, config.moeIntermediateSize(), share.expertColumns()),
                mlp(p + "shared_experts.", config.sharedIntermediateSize(), share.sharedColumns()));
    }

    private Tensor routerBias(String name) {
        int experts = config.nRoutedExperts();
        return config.isNoauxTc()
                ? vector(name)
                : device.upload(name, DType.F32, ByteBuffer.allocate(4 * experts), experts);
    }

    private MlpWeights mlp(String p, int width, RankShare.Range columns) {
        return mlps(p, List.of(p), width, columns);
    }

    /** Loads some columns of MLPs of the same shape as the experts of one weight. */
    private MlpWeights mlps(String name, List<String> prefixes, int width, RankShare.Range columns) {
        int hidden = config.hiddenSize();
        List<List<Matrix>> gateUp = new ArrayList<>();
        List<List<Matrix>> down = new ArrayList<>();
        for (String p : prefixes) {
            gateUp.add(List.of(
                    Matrix.whole(p + "gate_proj.weight", width, hidden).rows(columns, 1),
                    Matrix.whole(p + "up_proj.weight", width, hidden).rows(columns, 1)));
            down.add(List.of(Matrix.whole(p + "down_proj.weight", hidden, width).columns(columns, 1)));
        }
        return new MlpWeights(upload(name + "gate_up", gateUp), upload(name + "down", down));
    }

    /**
     * A matrix of a linear layer in the checkpoint, of which the rank holds a part.
     *
     * @param wholeRows rows of the checkpoint's
     * @param wholeCols columns of the checkpoint's
     */
    private record Matrix(String name, int wholeRows, int wholeCols, RankShare.Range rows, RankShare.Range cols) {
        static Matrix whole(String name, int rows, int cols) {
            return new Matrix(name, rows, cols, new RankShare.Range(0, rows), new RankShare.Range(0, cols));
        }

        /** Returns the rows of a range of units, each of which has so many. */
        Matrix rows(RankShare.Range units, int ofUnit) {
            return new Matrix(name, wholeRows, wholeCols, units.times(ofUnit), cols);
        }

        /** Returns the columns of a range of units, each of which has so many. */
        Matrix columns(RankShare.Range units, int ofUnit) {
            return new Matrix(name, wholeRows, wholeCols, rows, units.times(ofUnit));
        }

        String scaleName() {
            return name + "_scale_inv";
        }
    }

    private LinearWeight linear(String name, int rows, int cols) {
        return linear(Matrix.whole(name, rows, cols));
    }

    private LinearWeight linear(Matrix m) {
        return upload(m.name, List.of(List.of(m)));
    }

    private LinearWeight upload(String name, List<List<Matrix>> experts) {
        return config.linearFormat().isScaled()
                ? uploadFp8(name, experts)
                : device.uploadBf16(name, each(experts, this::bf16));
    }

    /** Uploads matrices whose codes the device looks at; if it refuses one, the complaint is about the file. */
    private LinearWeight uploadFp8(String name, List<List<Matrix>> experts) {
        List<List<Fp8Matrix>> parts = each(experts, this::fp8);
        try {
            Fp8Weight weight = device.uploadFp8(name, parts);
            experts.forEach(e -> e.forEach(part -> progress.add((long) part.wholeRows * part.wholeCols)));
            return weight;
        } catch (DeviceException e) {
            each(experts, m -> checkpoint.finiteData(checkpoint.located(m.name)));
            throw e;
        }
    }

    private static <T> List<List<T>> each(List<List<Matrix>> experts, Function<Matrix, T> function) {
        return experts.stream().map(e -> e.stream().map(function).toList()).toList();
    }

    private Bf16Matrix bf16(Matrix m) {
        return new Bf16Matrix(data(m.name), m.wholeRows, m.wholeCols)
                .part(m.rows.first(), m.rows.count(), m.cols.first(), m.cols.count());
    }

    /** Returns a matrix whose scales were looked at, but not its codes. */
    private Fp8Matrix fp8(Matrix m) {
        Checkpoint.Located at = checkpoint.located(m.name);
        return new Fp8Matrix(at.shard().data(at.entry()), data(m.scaleName()), m.wholeRows, m.wholeCols)
                .part(m.rows.first(), m.rows.count(), m.cols.first(), m.cols.count());
    }

    private DenseWeight dense(String name, int rows, int cols) {
        return device.uploadDense(name, dtype(name), data(name), rows, cols);
    }

    private DenseWeight heads(String name, float[] values, int rows, int cols) {
        return device.uploadHeads(name, values, share.heads().count(), rows, cols);
    }

    private DenseWeight head() {
        String name = ModelTensors.HEAD;
        return device.uploadDense(
                name, dtype(name), ofVocabulary(name), share.vocabulary().count(), config.hiddenSize());
    }

    /** Returns the data of a matrix [V, D] from this rank's first row on. */
    private ByteBuffer ofVocabulary(String name) {
        long rowBytes = (long) config.hiddenSize() * dtype(name).elementBytes();
        ByteBuffer data = data(name);
        return data.position(
                Math.toIntExact(data.position() + share.vocabulary().first() * rowBytes));
    }

    private Tensor embedding() {
        String name = ModelTensors.EMBEDDING;
        return device.upload(
                name, dtype(name), ofVocabulary(name), share.vocabulary().count(), config.hiddenSize());
    }

    /** Loads a vector as f32. */
    private Tensor vector(String name) {
        ByteBuffer data = data(name);
        if (dtype(name) == DType.F32) {
            return device.upload(name, DType.F32, data, data.remaining() / 4);
        }
        int length = data.remaining() / 2;
        ByteBuffer widened = ByteBuffer.allocate(4 * length).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i++) {
            widened.putFloat(4 * i, Bf16.toFloat(data.getShort(2 * i)));
        }
        return device.upload(name, DType.F32, widened, length);
    }

    private DType dtype(String name) {
        return checkpoint.located(name).entry().dtype().equals("F32") ? DType.F32 : DType.BF16;
    }

    private ByteBuffer data(String name) {
        ByteBuffer data = checkpoint.finiteData(checkpoint.located(name));
        progress.add(data.remaining());
        return data;
    }
}
