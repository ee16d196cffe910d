package io.millrace.engine.model;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.millrace.engine.ConfigException;
import io.millrace.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever is in a model's files, they are read or refused by a {@link ConfigException} of one line. Without {@code JAZZER_FUZZ=1}
 * the inputs in {@code src/test/resources} are tried: seeds, and what was once found.
 */
class ModelFileFuzzTest {
    @TempDir
    static Path folder;

    @FuzzTest(maxDuration = "10m")
    void safetensorsFile(byte[] content) throws IOException {
        open(content);
    }

    /** A header whose length is right, so that the fuzzer needn't find it. */
    @FuzzTest(maxDuration = "10m")
    void safetensorsHeader(byte[] header) throws IOException {
        open(ByteBuffer.allocate(8 + header.length + 24)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array());
    }

    private static void open(byte[] content) throws IOException {
        Path file = Files.write(folder.resolve("m.safetensors"), content);
        try {
            SafetensorsFile.open(file).entries();
        } catch (ConfigException e) {
            check(e);
        }
    }

    @FuzzTest(maxDuration = "10m")
    void tokenizerJson(byte[] content) throws IOException {
        Path file = Files.write(folder.resolve("tokenizer.json"), content);
        try {
            Tokenizer.load(file);
        } catch (ConfigException e) {
            check(e);
        }
    }

    private static void check(ConfigException e) {
        if (e.getMessage().contains("\n") || e.getMessage().length() > 2000) {
            throw new AssertionError("no message of one line", e);
        }
    }
}
