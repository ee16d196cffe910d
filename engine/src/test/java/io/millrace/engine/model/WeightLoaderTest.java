package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.millrace.engine.ConfigException;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Fp8Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightLoaderTest {
    private static final String ONE = "model-00001-of-000001.safetensors: ";
    private static final String Q_A = "model.layers.0.self_attn.q_a_proj.weight";

    private @TempDir Path parent;
    private Path folder;

    @BeforeEach
    void writeAModel() {
        folder = BrokenFolders.healthy(parent, Long.MAX_VALUE);
    }

    private FakeDevice load(Path model) {
        FakeDevice device = new FakeDevice();
        load(ModelFolder.open(model), false, device, ProgressListener.NONE);
        return device;
    }

    private void assertRefused(String message) {
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> load(folder))
                .withMessage(message)
                .matches(e -> !e.getMessage().contains("\n"));
    }

    @Test
    void uploadsTheShippedModel() {
        FakeDevice device = load(TestConfigs.TINY_R1);
        FakeDevice.Scaled experts = (FakeDevice.Scaled) device.uploads.get("model.layers.2.mlp.experts.gate_up");
        assertThat(List.of(experts.numExperts(), experts.rows(), experts.cols()))
                .containsExactly(16, 128, 192);
        FakeDevice.Uploaded norm = (FakeDevice.Uploaded) device.uploads.get("model.norm.weight");
        assertThat(norm.dtype()).isEqualTo(DType.F32);
        assertThat(norm.shape()).containsExactly(192);
        assertThat(((FakeDevice.Uploaded) device.uploads.get("model.embed_tokens.weight")).dtype())
                .isEqualTo(DType.BF16);
        assertThat(device.uploads.keySet()).noneMatch(name -> name.startsWith("model.layers.4."));
        FakeDevice.Scaled dense = (FakeDevice.Scaled) device.uploads.get("model.layers.0.mlp.gate_up");
        assertThat(List.of(dense.numExperts(), dense.rows())).containsExactly(1, 768);
    }

    @Test
    void gateComesBeforeUpWithItsOwnScalesThoughTheyLieInAnotherShard() {
        FakeDevice device = load(TestConfigs.TINY_R1);
        Checkpoint checkpoint = ModelFolder.open(TestConfigs.TINY_R1).checkpoint();
        String up = "model.layers.2.mlp.experts.5.up_proj.weight";
        assertThat(checkpoint.located(up).shard())
                .isNotSameAs(checkpoint.located(up + "_scale_inv").shard());
        FakeDevice.Scaled experts = (FakeDevice.Scaled) device.uploads.get("model.layers.2.mlp.experts.gate_up");
        Fp8Matrix part = experts.experts().get(5).get(1);
        assertThat(part.codes()).isEqualTo(bytes(checkpoint, up));
        assertThat(part.scales()).isEqualTo(bytes(checkpoint, up + "_scale_inv"));
        assertThat(experts.experts().get(5).get(0).codes())
                .isEqualTo(bytes(checkpoint, up.replace("up_proj", "gate_proj")));
    }

    private static ByteBuffer bytes(Checkpoint checkpoint, String tensor) {
        Checkpoint.Located at = checkpoint.located(tensor);
        return at.shard().data(at.entry());
    }

    @Test
    void splitsKvBIntoTransposedKeysAndValues() {
        Checkpoint checkpoint = ModelFolder.open(folder).checkpoint();
        FakeDevice device = load(folder);
        String name = "model.layers.1.self_attn.kv_b_proj.weight";
        float[][] w = dequantised(checkpoint, name, 3 * (24 + 40), 48);
        FakeDevice.Dense key = (FakeDevice.Dense) device.uploads.get("model.layers.1.self_attn.kv_b_proj.k");
        FakeDevice.Dense value = (FakeDevice.Dense) device.uploads.get("model.layers.1.self_attn.kv_b_proj.v");
        assertThat(List.of(key.numHeads(), key.rows(), key.cols())).containsExactly(3, 48, 24);
        assertThat(List.of(value.numHeads(), value.rows(), value.cols())).containsExactly(3, 40, 48);
        for (int h = 0; h < 3; h++) {
            for (int r = 0; r < 48; r++) {
                for (int n = 0; n < 24; n++) {
                    assertThat(key.values()[(h * 48 + r) * 24 + n]).isEqualTo(w[h * 64 + n][r]);
                }
                for (int n = 0; n < 40; n++) {
                    assertThat(value.values()[(h * 40 + n) * 48 + r]).isEqualTo(w[h * 64 + 24 + n][r]);
                }
            }
        }
    }

    /** The format's arithmetic in plain steps: sign, exponent, mantissa, times the block's scale. */
    private static float[][] dequantised(Checkpoint checkpoint, String name, int rows, int cols) {
        ByteBuffer codes = bytes(checkpoint, name);
        ByteBuffer scales = bytes(checkpoint, name + "_scale_inv").order(ByteOrder.LITTLE_ENDIAN);
        float[][] w = new float[rows][cols];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                int code = codes.get(r * cols + c);
                int e = code >> 3 & 15;
                int m = code & 7;
                double abs = e == 0 ? m / 512.0 : (1 + m / 8.0) * Math.pow(2, e - 7);
                float scale = scales.getFloat(4 * (r / 128 * ((cols + 127) / 128) + c / 128));
                w[r][c] = (float) ((code < 0 ? -abs : abs) * scale);
            }
        }
        return w;
    }

    @Test
    void reportsEveryByteOnce() {
        List<Long> done = new ArrayList<>();
        List<Long> total = new ArrayList<>();
        load(ModelFolder.open(folder), false, new FakeDevice(), (d, t) -> {
            done.add(d);
            total.add(t);
        });
        long bytes = ModelTensors.main(ModelFolder.open(folder).config()).stream()
                .mapToLong(TensorSpec::sizeBytes)
                .sum();
        assertThat(done).isSorted().last().isEqualTo(bytes);
        assertThat(total).containsOnly(bytes);
    }

    @Test
    void hashesTheFilesMeanwhile() {
        for (ModelFolder model : List.of(
                ModelFolder.open(TestConfigs.TINY_R1),
                ModelFolder.open(BrokenFolders.healthy(parent.resolve("sharded"), 100_000)))) {
            assertThat(load(model, false, new FakeDevice(), ProgressListener.NONE)
                            .hash())
                    .isEqualTo(model.hash(ProgressListener.NONE));
        }
    }

    @Test
    void aRefusalOfTheDeviceThatNoTensorExplainsIsPassedOn() {
        FakeDevice full = new FakeDevice() {
            @Override
            public Fp8Weight uploadFp8(String name, List<List<Fp8Matrix>> experts) {
                throw new DeviceException(name + " doesn't fit");
            }
        };
        assertThatExceptionOfType(DeviceException.class)
                .isThrownBy(() -> load(ModelFolder.open(folder), false, full, ProgressListener.NONE))
                .withMessageEndingWith(" doesn't fit");
    }

    @Test
    void refusesAMissingTensor() throws Exception {
        BrokenFolders.rename(folder, "layers.1.input_layernorm", "layers.9.input_layernorm");
        assertRefused(ONE + "tensor model.layers.1.input_layernorm.weight is missing");
    }

    @Test
    void refusesAMissingScale() throws Exception {
        BrokenFolders.rename(folder, Q_A + "_scale_inv", Q_A + "_scale_xyz");
        assertRefused(ONE + "tensor " + Q_A + " has no block scales: " + Q_A + "_scale_inv is missing");
    }

    @Test
    void refusesAWrongShape() throws Exception {
        BrokenFolders.setConfig(folder, "q_lora_rank", 73);
        assertRefused(ONE + "tensor " + Q_A + " has shape [72, 136] but config.json makes it [73, 136]");
    }

    @Test
    void refusesAWrongDtype() throws Exception {
        BrokenFolders.rename(folder, Q_A + "\":{\"dtype\":\"F8_E4M3\"", Q_A + "\":{\"dtype\":\"F8_E5M2\"");
        assertRefused(ONE + "tensor " + Q_A + " is F8_E5M2 but must be F8_E4M3");
    }

    @Test
    void refusesTensorsThatTheModelHasNoPlaceFor() throws Exception {
        BrokenFolders.setConfig(folder, "num_nextn_predict_layers", 0);
        assertRefused(ONE + "tensor model.layers.2.enorm.weight has no place in the model that config.json describes");
    }

    @Test
    void refusesNanAndInfinityWhereverTheyAre() throws Exception {
        BrokenFolders.poke(folder, Q_A, 77, 0xFF);
        assertRefused(ONE + "tensor " + Q_A + " holds a NaN or an infinity, first at element 77: the file is damaged");
        BrokenFolders.poke(folder, Q_A, 77, 0x00);
        BrokenFolders.poke(folder, Q_A + "_scale_inv", 4, 0, 0, 0x80, 0x7F);
        assertRefused(ONE + "tensor " + Q_A
                + "_scale_inv holds a NaN or an infinity, first at element 1: the file is damaged");
        BrokenFolders.poke(folder, Q_A + "_scale_inv", 4, 0, 0, 0x80, 0x3F);
        BrokenFolders.poke(folder, "lm_head.weight", 10, 0xC0, 0x7F);
        assertRefused(
                ONE + "tensor lm_head.weight holds a NaN or an infinity, first at element 5: the file is damaged");
    }

    @Test
    void refusesATruncatedShard() throws Exception {
        Path shard = BrokenFolders.shards(folder).get(0);
        byte[] bytes = Files.readAllBytes(shard);
        Files.write(shard, java.util.Arrays.copyOf(bytes, bytes.length - 1));
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> load(folder))
                .withMessageStartingWith(ONE + "tensor model.layers.2.shared_head.norm.weight ends at data byte ")
                .withMessageEndingWith(": the file is truncated");
    }

    @Test
    void refusesOverlappingOffsets() throws Exception {
        // the embedding [264, 136] bf16 comes first; the norm after it is said to lie inside
        BrokenFolders.rename(folder, "[71808,72080]", "[71536,71808]");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> load(folder))
                .withMessageMatching(ONE + "tensor model.embed_tokens.weight .* they overlap" + "|" + ONE
                        + "tensor model.layers.0.input_layernorm.weight .* they overlap");
    }

    @Test
    void refusesAHeaderOfTwoToThe63() throws Exception {
        Path shard = BrokenFolders.shards(folder).get(0);
        byte[] bytes = Files.readAllBytes(shard);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MIN_VALUE);
        Files.write(shard, bytes);
        assertRefused(ONE + "the header is said to have 9223372036854775808 bytes but the file has " + bytes.length
                + " (limit 100000000): it is truncated or no safetensors file");
    }

    @Test
    void randomWeightsKeepVarianceAndSeed() {
        Checkpoint checkpoint = ModelFolder.open(folder).checkpoint();
        float[][] w = dequantised(checkpoint, "model.layers.0.mlp.gate_proj.weight", 200, 136);
        double sum = 0;
        for (float[] row : w) {
            for (float v : row) {
                sum += v * v;
            }
        }
        assertThat(Math.sqrt(sum / 200)).isCloseTo(1.0, within(0.5)); // √(inputs · variance)
    }

    private static WeightLoader.Loaded load(
            ModelFolder folder, boolean isDrafting, Device device, ProgressListener listener) {
        return WeightLoader.load(folder, RankShare.whole(folder.config()), isDrafting, device, listener);
    }
}
