package io.millrace.operators;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.millrace.engine.ConfigException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Whatever the bytes, a journal entry or a {@link ConfigException} comes out. Without {@code JAZZER_FUZZ=1} the inputs in {@code
 * src/test/resources} are tried: seeds, and what was once found.
 */
class JournalFuzzTest {
    /** The entry's check sum is put right, so that what lies behind it is read. */
    @FuzzTest(maxDuration = "10m")
    void journal(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body);
        byte[] entry = ByteBuffer.allocate(body.length + 4)
                .put(body)
                .putInt((int) crc.getValue())
                .array();
        try {
            JournalSerializer.encode(JournalSerializer.decode(entry));
        } catch (ConfigException e) {
            if (e.getMessage().contains("\n")) {
                throw new AssertionError("no message of one line", e);
            }
        }
    }
}
