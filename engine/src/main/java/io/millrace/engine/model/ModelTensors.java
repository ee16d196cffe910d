package io.millrace.engine.model;

import io.millrace.kernels.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensors of a checkpoint: names, dtypes and shapes that follow from a config, in a checkpoint's order. What is
 * checked at loading, written by {@link RandomWeights} and counted by {@link ModelReport}. Immutable; any thread.
 */
final class ModelTensors {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String FINAL_NORM = "model.norm.weight";
    static final String HEAD = "lm_head.weight";

    private final ModelConfig config;
    private final List<TensorSpec> specs = new ArrayList<>();

    private ModelTensors(ModelConfig config) {
        this.config = config;
    }

    /** Returns the tensors of the main model. */
    static List<TensorSpec> main(ModelConfig config) {
        ModelTensors t = new ModelTensors(config);
        t.dense(EMBEDDING, config.vocabSize(), config.hiddenSize());
        for (int i = 0; i < config.numHiddenLayers(); i++) {
            t.layer(i, config.isMoe(i));
        }
        t.vector(FINAL_NORM, config.hiddenSize());
        t.dense(HEAD, config.vocabSize(), config.hiddenSize());
        return t.specs;
    }

    /** Returns the tensors of the MTP layers, without their copies of embedding and head. */
    static List<TensorSpec> mtp(ModelConfig config) {
        ModelTensors t = new ModelTensors(config);
        for (int j = 0; j < config.numNextnPredictLayers(); j++) {
            int i = config.numHiddenLayers() + j;
            String p = prefix(i);
            t.vector(p + "enorm.weight", config.hiddenSize());
            t.vector(p + "hnorm.weight", config.hiddenSize());
            t.dense(p + "eh_proj.weight", config.hiddenSize(), 2 * config.hiddenSize());
            t.layer(i, true);
            t.vector(p + "shared_head.norm.weight", config.hiddenSize());
        }
        return t.specs;
    }

    /** Returns the start of the names in layer {@code i}. */
    static String prefix(int i) {
        return "model.layers." + i + ".";
    }

    private void layer(int i, boolean isMoe) {
        String p = prefix(i);
        vector(p + "input_layernorm.weight", config.hiddenSize());
        attention(p + "self_attn.");
        vector(p + "post_attention_layernorm.weight", config.hiddenSize());
        if (!isMoe) {
            mlp(p + "mlp.", config.intermediateSize());
            return;
        }
        dense(p + "mlp.gate.weight", config.nRoutedExperts(), config.hiddenSize());
        if (config.isNoauxTc()) {
            specs.add(new TensorSpec(p + "mlp.gate.e_score_correction_bias", DType.F32, config.nRoutedExperts(), 0));
        }
        for (int e = 0; e < config.nRoutedExperts(); e++) {
            mlp(p + "mlp.experts." + e + ".", config.moeIntermediateSize());
        }
        mlp(p + "mlp.shared_experts.", config.sharedIntermediateSize());
    }

    private void attention(String p) {
        int heads = config.numAttentionHeads();
        if (config.qLoraRank() > 0) {
            linear(p + "q_a_proj.weight", config.qLoraRank(), config.hiddenSize());
            vector(p + "q_a_layernorm.weight", config.qLoraRank());
            linear(p + "q_b_proj.weight", heads * config.qHeadDim(), config.qLoraRank());
        } else {
            linear(p + "q_proj.weight", heads * config.qHeadDim(), config.hiddenSize());
        }
        linear(p + "kv_a_proj_with_mqa.weight", config.kvDim(), config.hiddenSize());
        vector(p + "kv_a_layernorm.weight", config.kvLoraRank());
        linear(p + "kv_b_proj.weight", config.kvBRows(), config.kvLoraRank());
        linear(p + "o_proj.weight", config.hiddenSize(), heads * config.vHeadDim());
    }

    private void mlp(String p, int width) {
        linear(p + "gate_proj.weight", width, config.hiddenSize());
        linear(p + "up_proj.weight", width, config.hiddenSize());
        linear(p + "down_proj.weight", config.hiddenSize(), width);
    }

    private void linear(String name, int rows, int cols) {
        if (!config.linearFormat().isScaled()) {
            dense(name, rows, cols);
            return;
        }
        TensorSpec weight = new TensorSpec(name, DType.E4M3, rows, cols);
        specs.add(weight);
        specs.add(TensorSpec.scaleOf(weight));
    }

    private void dense(String name, int rows, int cols) {
        specs.add(new TensorSpec(name, DType.BF16, rows, cols));
    }

    private void vector(String name, int length) {
        specs.add(new TensorSpec(name, DType.BF16, length, 0));
    }
}
