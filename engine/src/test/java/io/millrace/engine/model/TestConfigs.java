package io.millrace.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Configs that tests start from: the shipped model's, R1's, and a small ragged one. */
final class TestConfigs {
    static final JsonMapper JSON = new JsonMapper();
    /** The shipped model; surefire runs in the module's folder. */
    static final Path TINY_R1 = Path.of("..", "models", "tiny-r1");
    /** What config.json says in published checkpoints. */
    static final Path PUBLISHED = Path.of("..", "models", "configs");

    private TestConfigs() {}

    static ObjectNode tinyR1() {
        try {
            return (ObjectNode) JSON.readTree(Files.readAllBytes(TINY_R1.resolve("config.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ObjectNode r1() {
        try (InputStream in = TestConfigs.class.getResourceAsStream("/configs/r1.json")) {
            return (ObjectNode) JSON.readTree(Objects.requireNonNull(in));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Two layers, ragged blocks in both axes, v wider than nope, an MTP layer. */
    static ObjectNode small() {
        return tinyR1().put("hidden_size", 136)
                .put("num_hidden_layers", 2)
                .put("intermediate_size", 200)
                .put("moe_intermediate_size", 40)
                .put("n_shared_experts", 2)
                .put("q_lora_rank", 72)
                .put("kv_lora_rank", 48)
                .put("qk_nope_head_dim", 24)
                .put("qk_rope_head_dim", 16)
                .put("v_head_dim", 40)
                .put("num_attention_heads", 3)
                .put("num_key_value_heads", 3)
                .put("n_routed_experts", 12)
                .put("n_group", 4)
                .put("vocab_size", 264);
    }

    static ModelConfig parse(JsonNode json) {
        return ModelConfig.of(JsonFile.parse("config.json", json.toString().getBytes(StandardCharsets.UTF_8)));
    }
}
