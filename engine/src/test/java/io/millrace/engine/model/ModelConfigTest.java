package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.kernels.LinearFormat;
import io.millrace.kernels.RouterSpec;
import io.millrace.kernels.numeric.YarnRope;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
    @Test
    void readsTheShippedModelsConfig() {
        ModelConfig config = ModelConfig.read(TestConfigs.TINY_R1.resolve("config.json"));
        assertThat(config.hiddenSize()).isEqualTo(192);
        assertThat(config.qLoraRank()).isEqualTo(96);
        assertThat(config.ropeScaling()).isEqualTo(new YarnRope.Scaling(4, 512, 32, 1, 1, 1));
        assertThat(config.eosTokenIds()).containsExactly(1);
        assertThat(config.bosTokenId()).isZero();
        assertThat(config.numNextnPredictLayers()).isEqualTo(1);
        assertThat(config.routerSpec()).isEqualTo(new RouterSpec(16, 4, 4, 2, true, true, 2.5f));
        assertThat(List.of(config.isMoe(0), config.isMoe(1))).containsExactly(false, true);
    }

    @Test
    void knowsTheCacheBytesAndSoftmaxScaleOfR1() {
        ModelConfig config = TestConfigs.parse(TestConfigs.r1());
        assertThat(config.kvBytesPerToken(2)).isEqualTo(70_272);
        assertThat(config.yarnRope().softmaxScale(config.qHeadDim())).isEqualTo(0.1352337788608801);
    }

    /** docs/models.md; worked out by hand: 192^-1/2 · (0.1 · mscale · ln 40 + 1)², without YaRN 192^-1/2. */
    @ParameterizedTest
    @CsvSource({
        "deepseek-v2-lite, 0.11472138679292611",
        "moonlight-16b-a3b-instruct, 0.07216878364870322",
        "deepseek-v3.1, 0.1352337788608801"
    })
    void knowsTheSoftmaxScaleOfPublishedConfigs(String name, double scale) {
        ModelConfig config = ModelConfig.read(TestConfigs.PUBLISHED.resolve(name + ".json"));
        assertThat(config.yarnRope().softmaxScale(config.qHeadDim())).isCloseTo(scale, within(1e-16));
    }

    @Test
    void takesModelsWithoutQueryLatentWithoutRopeScalingAndWithSeveralEndTokens() {
        ObjectNode json = TestConfigs.tinyR1();
        json.putNull("q_lora_rank");
        json.putNull("rope_scaling");
        json.putArray("eos_token_id").add(1).add(7);
        ModelConfig config = TestConfigs.parse(json);
        assertThat(config.qLoraRank()).isZero();
        assertThat(config.qInputSize()).isEqualTo(192);
        assertThat(config.ropeScaling()).isNull();
        assertThat(config.eosTokenIds()).containsExactly(1, 7);
    }

    @Test
    void greedyRoutingHasNoGroupsAndNoBias() {
        ObjectNode json = TestConfigs.tinyR1()
                .put("topk_method", "greedy")
                .put("scoring_func", "softmax")
                .put("norm_topk_prob", false);
        assertThat(TestConfigs.parse(json).routerSpec()).isEqualTo(new RouterSpec(16, 4, 1, 1, false, false, 2.5f));
    }

    @Test
    void refusesToScaleNormalisedSoftmaxWeights() {
        ObjectNode json = TestConfigs.tinyR1().put("topk_method", "greedy").put("scoring_func", "softmax");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> TestConfigs.parse(json))
                .withMessage(
                        "config.json: routed_scaling_factor is 2.5 but must be 1 where norm_topk_prob is true and scores are"
                                + " softmax: published code differs on whether to apply it");
        assertThat(TestConfigs.parse(json.put("routed_scaling_factor", 1)).normTopkProb())
                .isTrue();
    }

    @Test
    void weightsAreBf16UnlessQuantised() {
        assertThat(TestConfigs.parse(TestConfigs.tinyR1()).linearFormat()).isEqualTo(LinearFormat.E4M3);
        ObjectNode json = TestConfigs.tinyR1();
        ((ObjectNode) json.get("quantization_config")).put("scale_fmt", "ue8m0");
        assertThat(TestConfigs.parse(json).linearFormat()).isEqualTo(LinearFormat.E4M3_UE8M0);
        json.putNull("quantization_config");
        assertThat(TestConfigs.parse(json).linearFormat()).isEqualTo(LinearFormat.BF16);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            model_type           | "deepseek_v32" | model_type is deepseek_v32 but must be deepseek_v3 or deepseek_v2
            architectures        | ["LlamaForCausalLM"] | architectures is [LlamaForCausalLM] but must be one of [DeepseekV3ForCausalLM, DeepseekV2ForCausalLM], the ones that this engine runs
            hidden_act           | "gelu"         | hidden_act is gelu but must be silu
            attention_bias       | true           | attention_bias is true but must be false
            tie_word_embeddings  | true           | tie_word_embeddings is true but must be false
            moe_layer_freq       | 2              | moe_layer_freq is 2 but must be 1
            rope_interleave      | false          | rope_interleave is false but must be true
            rope_parameters      | {}             | rope_parameters is set but must be absent
            num_key_value_heads  | 2              | num_key_value_heads is 2 but must be 4
            topk_method          | "group_limited_greedy" | topk_method is group_limited_greedy but must be noaux_tc or greedy
            scoring_func         | "softmax"      | scoring_func is "softmax" but must be sigmoid
            hidden_size          | 0              | hidden_size is 0 but must be a whole number from 1 to 262,144
            hidden_size          | -192           | hidden_size is -192 but must be a whole number from 1 to 262,144
            hidden_size          | 192.5          | hidden_size is 192.5 but must be a whole number from 1 to 262,144
            hidden_size          | "192"          | hidden_size is "192" but must be a whole number from 1 to 262,144
            vocab_size           | 99999999999    | vocab_size is 99999999999 but must be a whole number from 1 to 1,048,576
            num_hidden_layers    | 1000000        | num_hidden_layers is 1000000 but must be a whole number from 1 to 1,024
            max_position_embeddings | 2147483647  | max_position_embeddings is 2147483647 but must be a whole number from 1 to 1,048,576
            first_k_dense_replace | 5             | first_k_dense_replace is 5 but must be a whole number from 0 to 4
            num_experts_per_tok  | 17             | num_experts_per_tok is 17 but must be a whole number from 1 to 16
            num_experts_per_tok  | 9              | num_experts_per_tok is 9 but must be at most 8, the experts in topk_group groups
            n_group              | 5              | n_group is 5 but must be a divisor of n_routed_experts, 16
            n_group              | 16             | n_group is 16 but must be at most n_routed_experts / 2
            qk_rope_head_dim     | 33             | qk_rope_head_dim is 33 but must be even: rope rotates pairs
            rms_norm_eps         | 0              | rms_norm_eps is 0 but must be a number from
            norm_topk_prob       | 1              | norm_topk_prob is 1 but must be true or false
            eos_token_id         | 512            | eos_token_id is 512 but must be an id or a list of ids, each from 0 to 511
            rope_scaling         | {"type": "linear", "factor": 2} | rope_scaling.type is linear but must be yarn (or no rope_scaling)
            """)
    void refusesWhatItCannotRun(String key, String value, String message) throws Exception {
        ObjectNode json = TestConfigs.tinyR1();
        json.set(key, TestConfigs.JSON.readTree(value));
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> TestConfigs.parse(json))
                .withMessageStartingWith("config.json: " + message)
                .matches(e -> !e.getMessage().contains("\n"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            rope_scaling        | mscale            | 0.707      | rope_scaling.mscale is 0.707 but must be equal to mscale_all_dim, 1.0
            rope_scaling        | factor            | 0.5        | rope_scaling.factor is 0.5 but must be a number from 1.0 to
            rope_scaling        | attention_factor  | 1.2        | rope_scaling.attention_factor is set but must be absent
            rope_scaling        | beta_fast         | null       | key rope_scaling.beta_fast is missing
            quantization_config | quant_method      | "awq"      | quantization_config.quant_method is awq but must be fp8
            quantization_config | fmt               | "e5m2"     | quantization_config.fmt is "e5m2" but must be e4m3
            quantization_config | weight_block_size | [64, 128]  | quantization_config.weight_block_size is [64, 128] but must be [128, 128]
            quantization_config | scale_fmt         | "ue5m3"    | quantization_config.scale_fmt is "ue5m3" but must be ue8m0
            quantization_config | activation_scheme | "static"   | quantization_config.activation_scheme is "static" but must be dynamic
            """)
    void refusesNestedKeysByTheirPath(String object, String key, String value, String message) throws Exception {
        ObjectNode json = TestConfigs.tinyR1();
        ((ObjectNode) json.get(object)).set(key, TestConfigs.JSON.readTree(value));
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> TestConfigs.parse(json))
                .withMessageStartingWith("config.json: " + message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "architectures",
                "model_type",
                "hidden_act",
                "vocab_size",
                "hidden_size",
                "num_hidden_layers",
                "first_k_dense_replace",
                "intermediate_size",
                "moe_intermediate_size",
                "n_routed_experts",
                "num_experts_per_tok",
                "n_shared_experts",
                "n_group",
                "topk_group",
                "topk_method",
                "scoring_func",
                "norm_topk_prob",
                "routed_scaling_factor",
                "num_attention_heads",
                "kv_lora_rank",
                "qk_nope_head_dim",
                "qk_rope_head_dim",
                "v_head_dim",
                "rope_theta",
                "max_position_embeddings",
                "rms_norm_eps"
            })
    void namesAMissingKey(String key) {
        ObjectNode json = TestConfigs.tinyR1();
        json.remove(key);
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> TestConfigs.parse(json))
                .withMessage("config.json: key " + key + " is missing");
    }

    @Test
    void refusesMatricesThatNoBufferHolds() {
        ObjectNode json = TestConfigs.r1().put("vocab_size", 1 << 20);
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> TestConfigs.parse(json))
                .withMessage("config.json: vocab_size · hidden_size makes a matrix of 15032385536 bytes"
                        + " but at most 2,147,483,647 are supported");
    }

    @Test
    void refusesTextThatIsNoJsonOrTooLargeOrSaysThingsTwice(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("config.json");
        Files.writeString(file, "{\"a\": 1,\n oops}");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelConfig.read(file))
                .withMessageStartingWith("config.json is no valid JSON: ")
                .withMessageEndingWith(" (line 2)");
        Files.writeString(file, "[]");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelConfig.read(file))
                .withMessage("config.json holds no JSON object");
        Files.writeString(file, "{\"a\": 1, \"a\": 2}");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelConfig.read(file))
                .withMessageContaining("Duplicate field 'a'");
        Files.write(file, " ".repeat(1_048_577).getBytes(StandardCharsets.UTF_8));
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelConfig.read(file))
                .withMessage("config.json has 1,048,577 bytes but at most 1,048,576 are read: is it the right file?");
    }
}
