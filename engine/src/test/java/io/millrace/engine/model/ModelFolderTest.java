package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.millrace.engine.ConfigException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
    private @TempDir Path parent;
    private Path folder;

    @BeforeEach
    void writeAModel() {
        folder = BrokenFolders.healthy(parent, 200_000);
    }

    private void assertRefused(String message) {
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelFolder.open(folder).checkpoint())
                .withMessage(message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil.safetensors",
                "/etc/evil.safetensors",
                "sub/evil.safetensors",
                "..\\\\evil.safetensors",
                "passwd",
                "..",
                ""
            })
    void refusesIndexEntriesThatAreNoPlainShardName(String shard) throws Exception {
        Files.writeString(
                folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"some.tensor\":\"" + shard + "\"}}");
        assertRefused("model.safetensors.index.json: tensor some.tensor is said to be in \""
                + shard.replace("\\\\", "\\") + "\" but a shard is a .safetensors file of the model folder");
    }

    @Test
    void refusesLinksThatLeaveTheFolder() throws Exception {
        Path shard = BrokenFolders.shards(folder).get(0);
        Path outside = parent.resolve("outside.safetensors");
        Files.move(shard, outside);
        Files.createSymbolicLink(shard, outside);
        assertRefused(shard.getFileName() + " is a link to " + outside.toRealPath() + ", outside the model folder "
                + folder.toRealPath() + ": put the file itself there");
    }

    @Test
    void followsLinksInsideTheFolder() throws Exception {
        Path shard = BrokenFolders.shards(folder).get(0);
        Path blob = folder.resolve("blob");
        Files.move(shard, blob);
        Files.createSymbolicLink(shard, blob);
        ModelFolder.open(folder).checkpoint().check(ModelFolder.open(folder).config());
    }

    @Test
    void namesWhatIsMissing() throws Exception {
        Path shard = BrokenFolders.shards(folder).get(1);
        Files.delete(shard);
        assertRefused(shard.getFileName() + " is missing in model folder " + folder.toRealPath());
        Files.delete(folder.resolve("config.json"));
        assertRefused("model folder " + folder + " has no config.json");
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelFolder.open(parent.resolve("nowhere")))
                .withMessage("model folder " + parent.resolve("nowhere")
                        + " is no folder: give one with config.json and safetensors files");
    }

    @Test
    void namesTensorsThatAreNotWhereTheIndexSays() throws Exception {
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(index, Files.readString(index).replace("lm_head.weight", "lm_tail.weight"));
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelFolder.open(folder).checkpoint())
                .withMessageEndingWith(": tensor lm_tail.weight is missing, though the index places it there");
    }

    @Test
    void opensASingleFileWithoutAnIndex() throws Exception {
        Path single = BrokenFolders.healthy(parent.resolve("other"), Long.MAX_VALUE);
        Files.delete(single.resolve("model.safetensors.index.json"));
        Files.move(BrokenFolders.shards(single).get(0), single.resolve("model.safetensors"));
        ModelFolder model = ModelFolder.open(single);
        model.checkpoint().check(model.config());
        assertThat(model.name()).isEqualTo("small");
        assertThat(model.file("tokenizer.json")).isNull();
        assertThat(model.hash(ProgressListener.NONE)).hasSize(64);
    }

    @Test
    void verifyLooksAtEveryNumberOfMtpLayersToo() throws Exception {
        long[] last = new long[2];
        ModelFolder.open(folder).verify((done, total) -> {
            last[0] = done;
            last[1] = total;
        });
        assertThat(last[0]).isEqualTo(last[1]).isGreaterThan(300_000);
        BrokenFolders.poke(folder, "model.layers.2.hnorm.weight", 20, 0x80, 0xFF);
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> ModelFolder.open(folder).verify(ProgressListener.NONE))
                .withMessageEndingWith(
                        ": tensor model.layers.2.hnorm.weight holds a NaN or an infinity, first at element 10:"
                                + " the file is damaged");
    }

    @Test
    void hashIsThatOfNamesSizesAndContents() throws Exception {
        MessageDigest whole = MessageDigest.getInstance("SHA-256");
        for (String name : new String[] {
            "config.json",
            "model-00001-of-000002.safetensors",
            "model-00002-of-000002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer_config.json"
        }) {
            byte[] bytes = Files.readAllBytes(TestConfigs.TINY_R1.resolve(name));
            whole.update(ByteBuffer.allocate(4).putInt(name.length()).array());
            whole.update(name.getBytes(StandardCharsets.UTF_8));
            whole.update(ByteBuffer.allocate(8).putLong(bytes.length).array());
            whole.update(MessageDigest.getInstance("SHA-256").digest(bytes));
        }
        long[] last = new long[2];
        String hash = ModelFolder.open(TestConfigs.TINY_R1).hash((done, total) -> {
            last[0] = done;
            last[1] = total;
        });
        assertThat(hash).isEqualTo(HexFormat.of().formatHex(whole.digest()));
        assertThat(last[0]).isEqualTo(last[1]).isGreaterThan(4_000_000);
    }

    @Test
    void hashSeesEveryByteOfAShard() throws Exception {
        String before = ModelFolder.open(folder).hash(ProgressListener.NONE);
        BrokenFolders.poke(folder, "model.norm.weight", 0, 1);
        assertThat(ModelFolder.open(folder).hash(ProgressListener.NONE)).isNotEqualTo(before);
    }
}
