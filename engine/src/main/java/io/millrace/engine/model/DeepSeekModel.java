package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.RopeTable;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.numeric.YarnRope;
import java.util.ArrayList;
import java.util.List;

/**
 * A DeepSeek-V3 model on one rank: weights, activations, forward pass. Thread: the rank's; {@link #load} may run elsewhere before.
 */
public final class DeepSeekModel {
    private final ModelConfig config;
    private final Device device;
    private final Ops ops;
    private final ModelWeights weights;
    private final List<Layer> layers;
    private final Workspace workspace;
    private final HeadRows headRows;

    /** A layer's halves and the norms before them, [D] f32 each. */
    private record Layer(Tensor inputNorm, MlaBlock attention, Tensor postAttentionNorm, Block feedForward) {}

    /**
     * Activations of the rows that need logits: views of the first S.
     *
     * @param residual [S, D] f32
     * @param update [S, D] f32
     * @param normed [S, D] f32
     * @param logits [S, V] f32
     */
    private record HeadRows(Tensor residual, Tensor update, Tensor normed, Tensor logits) {
        HeadRows firstRows(int s) {
            return new HeadRows(residual.firstRows(s), update.firstRows(s), normed.firstRows(s), logits.firstRows(s));
        }
    }

    private DeepSeekModel(ModelConfig config, Rank rank, ModelWeights weights, int maxTokens, int maxLogitRows) {
        this.config = config;
        this.weights = weights;
        device = rank.device();
        ops = rank.ops();
        workspace = Workspace.allocate(config, device, maxTokens);
        headRows = new HeadRows(
                device.allocate(DType.F32, maxLogitRows, config.hiddenSize()),
                device.allocate(DType.F32, maxLogitRows, config.hiddenSize()),
                device.allocate(DType.F32, maxLogitRows, config.hiddenSize()),
                device.allocate(DType.F32, maxLogitRows, config.vocabSize()));
        RopeTable rope = ropeTable(config, device);
        layers = weights.layers().stream().map(w -> layer(w, rope)).toList();
    }

    private Layer layer(LayerWeights w, RopeTable rope) {
        Block feedForward = w.feedForward() instanceof MoeWeights moe
                ? new MoeBlock(config, ops, moe)
                : new DenseMlp(ops, (MlpWeights) w.feedForward());
        return new Layer(
                w.inputNorm(), new MlaBlock(config, ops, w.attention(), rope), w.postAttentionNorm(), feedForward);
    }

    private static RopeTable ropeTable(ModelConfig config, Device device) {
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
     * @param maxTokens rows of one step at most
     * @param maxLogitRows rows of one step that need logits, at most
     * @param listener hears of the weights' bytes
     * @throws io.millrace.engine.ConfigException naming the file and the tensor that can't be used
     * @throws io.millrace.kernels.DeviceException if the device has too little memory
     */
    public static DeepSeekModel load(
            ModelFolder folder, Rank rank, int maxTokens, int maxLogitRows, ProgressListener listener) {
        ModelWeights weights = WeightLoader.load(folder, rank.device(), listener);
        return new DeepSeekModel(folder.config(), rank, weights, maxTokens, maxLogitRows);
    }

    /** Returns what config.json says. */
    public ModelConfig config() {
        return config;
    }

    /** Allocates the KV cache, one entry per layer; every layer uses the same page numbers. */
    public List<KvLayer> allocateKv(int numPages, int pageTokens) {
        List<KvLayer> kv = new ArrayList<>();
        for (int i = 0; i < config.numHiddenLayers(); i++) {
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
        Workspace ws = workspace.firstRows(step.numTokens());
        float eps = (float) config.rmsNormEps();
        ops.embed(ws.residual(), weights.embedding(), step.tokens().ids()); // [T, D]
        ops.rmsNorm(ws.normed(), ws.residual(), layers.get(0).inputNorm(), eps);
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            layer.attention().forward(ws, step, kv.get(i));
            ops.addRmsNorm(ws.normed(), ws.residual(), ws.update(), layer.postAttentionNorm(), eps);
            layer.feedForward().forward(ws, step, kv.get(i));
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
        if (step.numLogitRows() > 0) { // the last update is added for these rows only
            ops.gatherRows(rows.residual(), ws.residual(), step.logitRows()); // [S, D]
            ops.gatherRows(rows.update(), ws.update(), step.logitRows());
            ops.addRmsNorm(rows.normed(), rows.residual(), rows.update(), weights.finalNorm(), eps);
            ops.denseGemm(rows.logits(), rows.normed(), weights.head()); // [S, V]
        }
        return rows.logits();
    }
}
