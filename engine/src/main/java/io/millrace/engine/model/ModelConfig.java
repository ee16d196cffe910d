package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.numeric.YarnRope;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What config.json says, checked: a config that this engine would run wrongly is refused by name of the key. Component names
 * are the keys in camel case. Immutable; any thread.
 *
 * @param qLoraRank 0 if the model has none: one {@code q_proj} then
 * @param isNoauxTc {@code topk_method} is noaux_tc: sigmoid scores, a bias that only chooses, expert groups; else greedy over a softmax
 * @param ropeScaling null: plain rope
 * @param numNextnPredictLayers MTP layers that follow the last layer in the checkpoint
 * @param linearFormat of the linear layers' matrices
 * @param bosTokenId −1 if the config has none
 * @param eosTokenIds ids that end a sequence, unless generation_config.json says otherwise
 */
public record ModelConfig(
        int vocabSize,
        int hiddenSize,
        int numHiddenLayers,
        int firstKDenseReplace,
        int intermediateSize,
        int moeIntermediateSize,
        int nRoutedExperts,
        int numExpertsPerTok,
        int nSharedExperts,
        int nGroup,
        int topkGroup,
        boolean isNoauxTc,
        boolean normTopkProb,
        double routedScalingFactor,
        int numAttentionHeads,
        int qLoraRank,
        int kvLoraRank,
        int qkNopeHeadDim,
        int qkRopeHeadDim,
        int vHeadDim,
        double ropeTheta,
        YarnRope.@Nullable Scaling ropeScaling,
        int maxPositionEmbeddings,
        double rmsNormEps,
        int numNextnPredictLayers,
        LinearFormat linearFormat,
        int bosTokenId,
        List<Integer> eosTokenIds) {

    /** Bytes of a config file at most. */
    static final long MAX_FILE_BYTES = 1 << 20;

    /** Families whose keys mean what this engine takes them for; nothing else depends on these names. */
    private static final List<String> ARCHITECTURES = List.of("DeepseekV3ForCausalLM", "DeepseekV2ForCausalLM");

    private static final List<String> MODEL_TYPES = List.of("deepseek_v3", "deepseek_v2");

    private static final int MAX_VOCAB = 1 << 20;
    private static final int MAX_WIDTH = 1 << 18;
    private static final int MAX_HEAD_DIM = 1024;
    private static final int MAX_POSITIONS = 1 << 20;
    private static final double MAX_REAL = 1e9;

    /** Reads a config.json. */
    public static ModelConfig read(Path file) {
        return of(JsonFile.read(file, MAX_FILE_BYTES));
    }

    static ModelConfig of(JsonFile json) {
        checkSupported(json);
        int vocabSize = json.integer("vocab_size", 1, MAX_VOCAB);
        int layers = json.integer("num_hidden_layers", 1, 1024);
        int experts = json.integer("n_routed_experts", 1, 4096);
        boolean isNoauxTc = isNoauxTc(json);
        int groups = isNoauxTc ? json.integer("n_group", 1, experts) : 1;
        ModelConfig config = new ModelConfig(
                vocabSize,
                json.integer("hidden_size", 1, MAX_WIDTH),
                layers,
                json.integer("first_k_dense_replace", 0, layers),
                json.integer("intermediate_size", 1, MAX_WIDTH),
                json.integer("moe_intermediate_size", 1, MAX_WIDTH),
                experts,
                json.integer("num_experts_per_tok", 1, experts),
                json.integer("n_shared_experts", 1, 64),
                groups,
                isNoauxTc ? json.integer("topk_group", 1, groups) : 1,
                isNoauxTc,
                json.bool("norm_topk_prob"),
                json.number("routed_scaling_factor", 1e-6, 1e6),
                json.integer("num_attention_heads", 1, 1024),
                json.integerOr("q_lora_rank", 1, MAX_WIDTH, 0),
                json.integer("kv_lora_rank", 1, 1 << 14),
                json.integer("qk_nope_head_dim", 1, MAX_HEAD_DIM),
                json.integer("qk_rope_head_dim", 2, MAX_HEAD_DIM / 4),
                json.integer("v_head_dim", 1, MAX_HEAD_DIM),
                json.number("rope_theta", 1.001, MAX_REAL),
                json.has("rope_scaling") ? yarn(json.object("rope_scaling")) : null,
                json.integer("max_position_embeddings", 1, MAX_POSITIONS),
                json.number("rms_norm_eps", 1e-12, 0.1),
                json.integerOr("num_nextn_predict_layers", 0, 16, 0),
                linearFormat(json),
                json.integerOr("bos_token_id", 0, vocabSize - 1, -1),
                json.ids("eos_token_id", vocabSize - 1));
        config.checkCombinations(json);
        return config;
    }

    private static void checkSupported(JsonFile json) {
        List<String> architectures = json.texts("architectures");
        if (architectures.size() != 1 || !ARCHITECTURES.contains(architectures.get(0))) {
            throw json.refuse(
                    "architectures", architectures, "one of " + ARCHITECTURES + ", the ones that this engine runs");
        }
        if (!MODEL_TYPES.contains(json.text("model_type"))) {
            throw json.refuse("model_type", json.text("model_type"), String.join(" or ", MODEL_TYPES));
        }
        if (!json.text("hidden_act").equals("silu")) {
            throw json.refuse("hidden_act", json.text("hidden_act"), "silu");
        }
        json.onlyIf("attention_bias", false);
        json.onlyIf("tie_word_embeddings", false);
        json.onlyIf("moe_layer_freq", 1);
        json.onlyIf("rope_interleave", true);
        if (json.has("rope_parameters")) {
            throw json.refuse(
                    "rope_parameters", "set", "absent: give rope_theta and rope_scaling as DeepSeek's own files do");
        }
        if (json.has("num_key_value_heads")) {
            json.onlyIf("num_key_value_heads", json.integer("num_attention_heads", 1, 1024));
        }
    }

    private static LinearFormat linearFormat(JsonFile json) {
        if (!json.has("quantization_config")) {
            return LinearFormat.BF16;
        }
        JsonFile quantization = json.object("quantization_config");
        if (!quantization.text("quant_method").equals("fp8")) {
            throw quantization.refuse("quant_method", quantization.text("quant_method"), "fp8");
        }
        quantization.onlyIf("fmt", "e4m3");
        quantization.onlyIf("activation_scheme", "dynamic");
        quantization.onlyIf("scale_fmt", "ue8m0");
        List<Integer> block = quantization.ids("weight_block_size", Integer.MAX_VALUE);
        if (!block.equals(List.of(128, 128))) {
            throw quantization.refuse("weight_block_size", block, "[128, 128]");
        }
        return quantization.has("scale_fmt") ? LinearFormat.E4M3_UE8M0 : LinearFormat.E4M3;
    }

    private static boolean isNoauxTc(JsonFile json) {
        String method = json.text("topk_method");
        String scoring = json.text("scoring_func");
        if (method.equals("noaux_tc")) {
            json.onlyIf("scoring_func", "sigmoid");
        } else if (method.equals("greedy")) {
            json.onlyIf("scoring_func", "softmax");
        } else {
            throw json.refuse("topk_method", method, "noaux_tc or greedy");
        }
        return scoring.equals("sigmoid");
    }

    private static YarnRope.Scaling yarn(JsonFile json) {
        String type = json.text(json.has("type") ? "type" : "rope_type");
        if (!type.equals("yarn")) {
            throw json.refuse("type", type, "yarn (or no rope_scaling)");
        }
        if (json.has("attention_factor")) {
            throw json.refuse("attention_factor", "set", "absent: the factor comes from mscale_all_dim");
        }
        double mscale = json.number("mscale", 0, 100);
        double mscaleAllDim = json.number("mscale_all_dim", 0, 100);
        if (mscale != mscaleAllDim) {
            throw json.refuse("mscale", mscale, "equal to mscale_all_dim, " + mscaleAllDim);
        }
        double betaSlow = json.number("beta_slow", 1e-6, MAX_REAL);
        return new YarnRope.Scaling(
                json.number("factor", 1, MAX_REAL),
                json.integer("original_max_position_embeddings", 1, MAX_POSITIONS),
                json.number("beta_fast", betaSlow, MAX_REAL),
                betaSlow,
                mscale,
                mscaleAllDim);
    }

    private void checkCombinations(JsonFile json) {
        if (qkRopeHeadDim % 2 != 0) {
            throw json.refuse("qk_rope_head_dim", qkRopeHeadDim, "even: rope rotates pairs");
        }
        if (nRoutedExperts % nGroup != 0) {
            throw json.refuse("n_group", nGroup, "a divisor of n_routed_experts, " + nRoutedExperts);
        }
        if (isNoauxTc && nGroup > 1 && nRoutedExperts / nGroup < 2) {
            throw json.refuse(
                    "n_group", nGroup, "at most n_routed_experts / 2: a group's score is the sum of its two best");
        }
        if (!isNoauxTc && normTopkProb && routedScalingFactor != 1) {
            throw json.refuse(
                    "routed_scaling_factor",
                    routedScalingFactor,
                    "1 where norm_topk_prob is true and scores are softmax: published code differs on whether to apply it");
        }
        int choosable = topkGroup * (nRoutedExperts / nGroup);
        if (numExpertsPerTok > choosable) {
            throw json.refuse(
                    "num_experts_per_tok",
                    numExpertsPerTok,
                    "at most " + choosable + ", the experts in topk_group groups");
        }
        checkArea(json, "vocab_size · hidden_size", (long) vocabSize * hiddenSize * 2);
        checkArea(json, "intermediate_size · hidden_size", 2L * intermediateSize * hiddenSize);
        checkArea(
                json,
                "n_shared_experts · moe_intermediate_size · hidden_size",
                2L * sharedIntermediateSize() * hiddenSize);
        checkArea(
                json,
                "num_attention_heads · head dims · q_lora_rank",
                (long) numAttentionHeads * qHeadDim() * qInputSize());
        checkArea(json, "num_attention_heads · head dims · kv_lora_rank", (long) kvBRows() * kvLoraRank * 4);
        checkArea(
                json,
                "num_attention_heads · v_head_dim · hidden_size",
                (long) numAttentionHeads * vHeadDim * hiddenSize);
    }

    private static void checkArea(JsonFile json, String what, long bytes) {
        if (bytes > Integer.MAX_VALUE) {
            throw new ConfigException(json.fileName() + ": " + what + " makes a matrix of " + bytes
                    + " bytes but at most 2,147,483,647 are supported");
        }
    }

    /** Returns whether layer {@code i} has routed experts. */
    public boolean isMoe(int i) {
        return i >= firstKDenseReplace;
    }

    /** Returns the columns of one head of q: nope part, then rope part. */
    public int qHeadDim() {
        return qkNopeHeadDim + qkRopeHeadDim;
    }

    /** Returns the input columns of the matrix that makes q: the q latent's, or the hidden state's if there is none. */
    public int qInputSize() {
        return qLoraRank > 0 ? qLoraRank : hiddenSize;
    }

    /** Returns the numbers that a token keeps in each layer's cache: normed latent, then rotated rope key. */
    public int kvDim() {
        return kvLoraRank + qkRopeHeadDim;
    }

    /** Returns the rows of {@code kv_b_proj}: per head k's nope part, then v. */
    public int kvBRows() {
        return numAttentionHeads * (qkNopeHeadDim + vHeadDim);
    }

    /** Returns the width of the shared experts, which are one MLP. */
    public int sharedIntermediateSize() {
        return nSharedExperts * moeIntermediateSize;
    }

    /**
     * Returns the bytes that one token takes in the KV cache of all layers (without MTP).
     *
     * @param elementBytes 4 for f32 (cpu), 2 for bf16 (cuda)
     */
    public long kvBytesPerToken(int elementBytes) {
        return (long) numHiddenLayers * kvDim() * elementBytes;
    }

    /** Returns rope's angles and the softmax scale. */
    public YarnRope yarnRope() {
        return new YarnRope(qkRopeHeadDim, ropeTheta, ropeScaling);
    }

    /** Returns how the router chooses. */
    public RouterSpec routerSpec() {
        return new RouterSpec(nRoutedExperts, numExpertsPerTok, nGroup, topkGroup, isNoauxTc, normTopkProb, (float)
                routedScalingFactor);
    }
}
