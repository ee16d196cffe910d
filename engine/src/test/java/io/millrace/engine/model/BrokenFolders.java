package io.millrace.engine.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Writes a small healthy model and damages it. */
final class BrokenFolders {
    private BrokenFolders() {}

    /** Writes {@link TestConfigs#small} with random weights. */
    static Path healthy(Path parent, long shardBytes) {
        Path folder = parent.resolve("small");
        RandomWeights.write(folder, TestConfigs.small().toString(), 42, shardBytes, ProgressListener.NONE);
        return folder;
    }

    static List<Path> shards(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Replaces text by text of the same length in every shard's header and in the index. */
    static void rename(Path folder, String from, String to) throws IOException {
        if (from.length() != to.length()) {
            throw new IllegalArgumentException("lengths differ");
        }
        List<Path> files = Stream.concat(
                        shards(folder).stream(), Stream.of(folder.resolve("model.safetensors.index.json")))
                .toList();
        for (Path file : files) {
            String latin = Files.readString(file, StandardCharsets.ISO_8859_1);
            Files.writeString(file, latin.replace(from, to), StandardCharsets.ISO_8859_1);
        }
    }

    static void setConfig(Path folder, String key, int value) throws IOException {
        Path file = folder.resolve("config.json");
        ObjectNode json = (ObjectNode) TestConfigs.JSON.readTree(Files.readAllBytes(file));
        Files.writeString(file, json.put(key, value).toString());
    }

    /** Overwrites bytes of a tensor. */
    static void poke(Path folder, String tensor, int at, int... bytes) throws IOException {
        Checkpoint.Located located = ModelFolder.open(folder).checkpoint().located(tensor);
        Path file = folder.resolve(located.shard().fileName());
        byte[] all = Files.readAllBytes(file);
        for (int i = 0; i < bytes.length; i++) {
            all[(int) located.entry().begin() + at + i] = (byte) bytes[i];
        }
        Files.write(file, all);
    }
}
