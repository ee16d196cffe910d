package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.numeric.YarnRope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model of the DeepSeek-V2/V3 families on one rank: its share of the weights, activations, forward pass. All ranks of a plan run
 * the same steps together. Thread: the rank's; {@link #load} may run elsewhere before.
 */
public final class DeepSeekModel {
    private final RankShare share;
    private final ModelConfig config;
    private final Rank rank;
    private final Device device;
    private final Ops ops;
    private final Embedding embedding;
    private final ModelWeights weights;
    private final List<DecoderLayer> layers;
    private final @Nullable MtpHead mtp;
    private final Workspace workspace;
    private final HeadRows headRows;

    private final @Nullable String hash;

    private DeepSeekModel(RankShare share, Rank rank, WeightLoader.Loaded loaded, int maxTokens, int maxLogitRows) {
        this.share = share;
        config = share.config();
        weights = loaded.weights();
        hash = loaded.hash();
        this.rank = rank;
        device = rank.device();
        ops = rank.ops();
        embedding = new Embedding(share, rank, weights.embedding());
        workspace = Workspace.allocate(share, device, maxTokens);
        headRows = HeadRows.allocate(share, device, maxLogitRows);
        RopeTable rope = ropeTable(config, device);
        layers = weights.layers().stream()
                .map(w -> DecoderLayer.of(share, rank, w, rope))
                .toList();
        MtpWeights mtpWeights = weights.mtp();
        mtp = mtpWeights == null
                ? null
                : new MtpHead(share, rank, embedding, weights.head(), mtpWeights, rope, maxTokens);
    }

    /** Makes one of some layers of another, with the same weights and activations. */
    private DeepSeekModel(DeepSeekModel whole, List<DecoderLayer> layers) {
        this.layers = layers;
        share = whole.share;
        config = whole.config;
        rank = whole.rank;
        embedding = whole.embedding;
        device = whole.device;
        ops = whole.ops;
        weights = whole.weights;
        hash = whole.hash;
        workspace = whole.workspace;
        headRows = whole.headRows;
        mtp = whole.mtp;
    }

    static RopeTable ropeTable(ModelConfig config, Device device) {
        int positions = config.maxPositionEmbeddings();
        int half = config.qkRopeHeadDim() / 2;
        YarnRope.Table table = config.yarnRope().table(positions);
        Tensor cos = device.allocate(DType.F32, positions, half);
        Tensor sin = device.allocate(DType.F32, positions, half);
        device.write(cos, table.cos(), positions * half);
        device.write(sin, table.sin(), positions * half);
        return new RopeTable(cos, sin);
    }

    /**
     * Loads a checkpoint.
     *
     * @param isDrafting whether the MTP layer is wanted, too
     * @param maxTokens rows of one step at most
     * @param maxLogitRows rows of one step that need logits, at most
     * @param listener hears of the weights' bytes
     * @throws io.millrace.engine.ConfigException naming the file and the tensor that can't be used
     * @throws io.millrace.kernels.DeviceException if the device has too little memory
     */
    public static DeepSeekModel load(
            ModelFolder folder,
            Rank rank,
            boolean isDrafting,
            int maxTokens,
            int maxLogitRows,
            ProgressListener listener) {
        return load(folder, ParallelPlan.SINGLE, rank, isDrafting, new Rows(maxTokens, maxLogitRows), listener);
    }

    /**
     * Most rows of one step in one group.
     *
     * @param logitRows those that need logits
     */
    public record Rows(int tokens, int logitRows) {}

    /** As {@link #load(ModelFolder, Rank, boolean, int, int, ProgressListener)}: what one rank of a plan holds. */
    public static DeepSeekModel load(
            ModelFolder folder,
            ParallelPlan plan,
            Rank rank,
            boolean isDrafting,
            Rows maxRows,
            ProgressListener listener) {
        check(folder, plan);
        RankShare share = new RankShare(folder.config(), plan, rank.index());
        WeightLoader.Loaded loaded = WeightLoader.load(folder, share, isDrafting, rank.device(), listener);
        return new DeepSeekModel(share, rank, loaded, maxRows.tokens(), maxRows.logitRows());
    }

    /**
     * Checks that a plan can cut a model.
     *
     * @throws ConfigException saying why it can't
     */
    public static void check(ModelFolder folder, ParallelPlan plan) {
        new RankWeights(folder.config(), plan).refusal().ifPresent(reason -> {
            throw new ConfigException("plan " + plan + " can't cut " + folder.name() + ": " + reason);
        });
    }

    /** Returns what config.json says. */
    public ModelConfig config() {
        return config;
    }

    /** Returns the content hash of the folder ({@link ModelFolder#hash}), computed while loading; rank 0 only. */
    public String hash() {
        if (hash == null) {
            throw new IllegalStateException("rank " + share.rank() + " didn't hash the model folder: ask rank 0");
        }
        return hash;
    }

    /**
     * Returns a model of the first dense and the first MoE layer, for warming up: the same code in a fraction of the time. Shares
     * everything with this one; its answers mean nothing.
     */
    public DeepSeekModel shallow() {
        List<DecoderLayer> kinds = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            if (i == 0 || config.isMoe(i) != config.isMoe(i - 1)) {
                kinds.add(layers.get(i));
            }
        }
        return new DeepSeekModel(this, List.copyOf(kinds));
    }

    /** Returns the layers with a KV cache: the MTP layer has one, too. */
    private int numKvLayers() {
        return layers.size() + (mtp == null ? 0 : 1);
    }

    /** Returns the bytes that one token takes in the KV cache of all layers. */
    public long kvBytesPerToken() {
        return (long) numKvLayers() * config.kvDim() * kvDType(device).elementBytes();
    }

    /** Allocates the KV cache, one entry per layer, the MTP layer's last; every layer uses the same page numbers. */
    public List<KvLayer> allocateKv(int numPages, int pageTokens) {
        List<KvLayer> kv = new ArrayList<>();
        for (int i = 0; i < numKvLayers(); i++) {
            Tensor pages = device.allocate(kvDType(device), (long) numPages * pageTokens, config.kvDim());
            kv.add(new KvLayer(pages, pageTokens, config.kvLoraRank(), config.qkRopeHeadDim()));
        }
        return kv;
    }

    /** Returns what a device keeps its KV cache in: f32 on cpu, whose goldens are those of unrounded activations, else bf16. */
    public static DType kvDType(Device device) {
        return device.info().backend().equals("cpu") ? DType.F32 : DType.BF16;
    }

    /**
     * Appends the step's tokens to the cache and computes logits.
     *
     * @param kv from {@link #allocateKv}
     * @return logits [S, V] f32 of the rows that the step names, valid until the next call
     */
    public Tensor forward(ModelStep step, List<KvLayer> kv) {
        Workspace ws = workspace.rowsOf(step);
        float eps = (float) config.rmsNormEps();
        embedding.forward(ws, step); // [T, D]
        ops.rmsNorm(ws.normed(), ws.residual(), layers.get(0).inputNorm(), eps);
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).forward(ops, ws, step, kv.get(i), eps);
            if (i + 1 < layers.size()) {
                ops.addRmsNorm(
                        ws.normed(),
                        ws.residual(),
                        ws.update(),
                        layers.get(i + 1).inputNorm(),
                        eps);
            }
        }
        HeadRows rows = headRows.firstRows(step.numLogitRows());
        rows.compute(rank, ws, step, weights.finalNorm(), eps, weights.head());
        if (mtp != null) { // it wants the states of all rows
            ops.addRmsNorm(ws.normed(), ws.residual(), ws.update(), weights.finalNorm(), eps);
        }
        return rows.logits();
    }

    /**
     * Drafts: computes logits for the tokens after the next ones, and appends to the MTP layer's cache. Follows {@link #forward}
     * of the same rows.
     *
     * @param step as forward's, but each row's id is that of the token that follows, and the logit rows are those to draft for
     * @param kv from {@link #allocateKv}
     * @return logits [S, V] f32, valid until the next call
     */
    public Tensor draft(ModelStep step, List<KvLayer> kv) {
        Workspace ws = workspace.rowsOf(step);
        return draft(ws, step, ws.normed(), kv);
    }

    /**
     * Drafts one token further: the states are those that the last draft's logits came from.
     *
     * @param step one row for each of the last call's S, all of them logit rows, at the position after; ids are the drafts
     */
    public Tensor draftFurther(ModelStep step, List<KvLayer> kv) {
        return draft(workspace.rowsOf(step), step, headRows.normed().firstRows(step.numTokens()), kv);
    }

    private Tensor draft(Workspace ws, ModelStep step, Tensor hidden, List<KvLayer> kv) {
        if (mtp == null) {
            throw new IllegalStateException("the model was loaded without its MTP layer");
        }
        HeadRows rows = headRows.firstRows(step.numLogitRows());
        mtp.forward(ws, step, hidden, kv.get(layers.size()), rows);
        return rows.logits();
    }
}
