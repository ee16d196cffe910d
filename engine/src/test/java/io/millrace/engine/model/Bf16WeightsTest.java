package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import io.millrace.kernels.Bf16Matrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints without quantization_config: linear layers are bf16, and nothing has block scales. */
class Bf16WeightsTest {
    private @TempDir Path parent;
    private Path folder;

    @BeforeEach
    void writeAModel() {
        folder = parent.resolve("bf16");
        ObjectNode json = TestConfigs.small().putNull("quantization_config");
        RandomWeights.write(folder, json.toString(), 42, Long.MAX_VALUE, ProgressListener.NONE);
    }

    private FakeDevice load() {
        FakeDevice device = new FakeDevice();
        ModelFolder opened = ModelFolder.open(folder);
        WeightLoader.load(opened, RankShare.whole(opened.config()), true, device, ProgressListener.NONE);
        return device;
    }

    private ByteBuffer bytes(String tensor) {
        Checkpoint.Located at = ModelFolder.open(folder).checkpoint().located(tensor);
        return at.shard().data(at.entry()).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void gateComesBeforeUpInEveryExpert() {
        FakeDevice.Plain experts = (FakeDevice.Plain) load().uploads.get("model.layers.1.mlp.experts.gate_up");
        assertThat(experts.numExperts()).isEqualTo(12);
        List<Bf16Matrix> parts = experts.experts().get(5);
        assertThat(parts).hasSize(2);
        assertThat(parts.get(0).values()).isEqualTo(bytes("model.layers.1.mlp.experts.5.gate_proj.weight"));
        assertThat(parts.get(1).values()).isEqualTo(bytes("model.layers.1.mlp.experts.5.up_proj.weight"));
        assertThat(List.of(parts.get(1).rows(), parts.get(1).cols())).containsExactly(40, 136);
    }

    @Test
    void splitsKvBIntoTransposedKeysAndValues() {
        FakeDevice device = load();
        ByteBuffer w = bytes("model.layers.2.self_attn.kv_b_proj.weight"); // the MTP layer's, [3 · (24 + 40), 48]
        FakeDevice.Dense key = (FakeDevice.Dense) device.uploads.get("model.layers.2.self_attn.kv_b_proj.k");
        FakeDevice.Dense value = (FakeDevice.Dense) device.uploads.get("model.layers.2.self_attn.kv_b_proj.v");
        for (int h = 0; h < 3; h++) {
            for (int r = 0; r < 48; r++) {
                for (int n = 0; n < 64; n++) {
                    float want = Float.intBitsToFloat(w.getShort(2 * ((h * 64 + n) * 48 + r)) << 16);
                    float got =
                            n < 24 ? key.values()[(h * 48 + r) * 24 + n] : value.values()[(h * 40 + n - 24) * 48 + r];
                    assertThat(got).isEqualTo(want);
                }
            }
        }
    }

    @Test
    void refusesNumbersThatAreNotFinite() throws Exception {
        BrokenFolders.poke(folder, "model.layers.1.mlp.experts.3.down_proj.weight", 6, 0x80, 0x7F);
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(this::load)
                .withMessage("model-00001-of-000001.safetensors: tensor model.layers.1.mlp.experts.3.down_proj.weight"
                        + " holds a NaN or an infinity, first at element 3: the file is damaged");
    }

    @Test
    void refusesLinearLayersInF32() throws Exception {
        BrokenFolders.rename(folder, "\"BF16\",\"shape\":[72,136]", "\"F32\"  ,\"shape\":[72,68]");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(this::load)
                .withMessage("model-00001-of-000001.safetensors: tensor model.layers.0.self_attn.q_a_proj.weight"
                        + " is F32 but must be BF16");
    }

    @Test
    void refusesScalesThatTheConfigDoesNotAnnounce() throws Exception {
        Path scaled = parent.resolve("scaled");
        RandomWeights.write(scaled, TestConfigs.small().toString(), 42, Long.MAX_VALUE, ProgressListener.NONE);
        Files.writeString(
                scaled.resolve("config.json"),
                TestConfigs.small().putNull("quantization_config").toString());
        folder = scaled;
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(this::load)
                .withMessage("model-00001-of-000001.safetensors: tensor model.layers.0.self_attn.q_a_proj.weight"
                        + " is F8_E4M3 but must be BF16");
    }
}
