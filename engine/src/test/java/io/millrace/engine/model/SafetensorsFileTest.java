package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.millrace.engine.ConfigException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
    private static final String A = "{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}";

    private @TempDir Path folder;
    private Path file;

    @BeforeEach
    void nameTheFile() {
        file = folder.resolve("m.safetensors");
    }

    private void write(long headerBytes, String header, int dataBytes) throws Exception {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(headerBytes).put(json);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        Files.write(file, bytes.array());
    }

    private void write(String header, int dataBytes) throws Exception {
        write(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    }

    private void assertRefused(String message) {
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> SafetensorsFile.open(file))
                .matches(e -> !e.getMessage().contains("\n"))
                .withMessage("m.safetensors" + message);
    }

    @Test
    void returnsTheBytesOfEachTensor() throws Exception {
        write(
                "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[24,28]},"
                        + "\"a\":" + A + ",\"none\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[28,28]}}   ",
                28);
        SafetensorsFile shard = SafetensorsFile.open(file);
        assertThat(shard.entries().keySet()).containsExactly("a", "b", "none");
        SafetensorsFile.Entry a = shard.entries().get("a");
        assertThat(a.shape()).isEqualTo(List.of(2L, 3L));
        assertThat(shard.data(a).remaining()).isEqualTo(24);
        assertThat(shard.data(a).getInt(0)).isEqualTo(0x03020100);
        ByteBuffer b = shard.data(shard.entries().get("b"));
        assertThat(List.of(b.get(0), b.get(3))).containsExactly((byte) 24, (byte) 27);
        assertThat(b.isReadOnly()).isTrue();
        assertThat(shard.data(shard.entries().get("none")).remaining()).isZero();
    }

    /** What a file says of itself isn't believed: refusing it allocates no more than the JVM's small change. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40, 99_999_999})
    void aLyingHeaderAllocatesNothing(long headerBytes) throws Exception {
        write(headerBytes, "{\"a\":" + A + "}", 24);
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        assertThatExceptionOfType(ConfigException.class).isThrownBy(() -> SafetensorsFile.open(file)); // loads classes
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        assertThatExceptionOfType(ConfigException.class).isThrownBy(() -> SafetensorsFile.open(file));
        assertThat(threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before)
                .isLessThan(256 << 10);
    }

    @Test
    void mapsTensorsBeyondTwoGigabytesAndAcrossWindows() throws Exception {
        long first = (1L << 30) + 123; // crosses the first window's half
        long second = (1L << 31) - 200; // fits no window from where it starts
        String header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[" + first + "],\"data_offsets\":[0," + first + "]},"
                + "\"b\":{\"dtype\":\"U8\",\"shape\":[" + second + "],\"data_offsets\":[" + first + ","
                + (first + second)
                + "]},\"c\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[" + (first + second) + ","
                + (first + second + 3) + "]}}";
        write(header, 0);
        try (var grow = java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
            long start = Files.size(file);
            grow.write(ByteBuffer.wrap(new byte[] {7, 8}), start + first - 1); // sparse: costs no disk
            grow.write(ByteBuffer.wrap(new byte[] {9, 10, 11, 12}), start + first + second - 1);
        }
        SafetensorsFile shard = SafetensorsFile.open(file);
        assertThat(shard.data(shard.entries().get("a")).get((int) first - 1)).isEqualTo((byte) 7);
        ByteBuffer b = shard.data(shard.entries().get("b"));
        assertThat(List.of(b.get(0), b.get((int) second - 1))).containsExactly((byte) 8, (byte) 9);
        assertThat(shard.data(shard.entries().get("c")).get(2)).isEqualTo((byte) 12);
    }

    @Test
    void refusesFilesTooShortForAHeader() throws Exception {
        Files.write(file, new byte[5]);
        assertRefused(" has 5 bytes but a safetensors file starts with 8 bytes of header length");
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -1, 9, 100_000_001, 1, 0})
    void refusesHeaderLengthsBeyondTheFile(long headerBytes) throws Exception {
        write(headerBytes, "{}      ", 0);
        assertRefused(": the header is said to have " + Long.toUnsignedString(headerBytes)
                + " bytes but the file has 16 (limit 100000000): it is truncated or no safetensors file");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            {"a":A}                                                        | 23 | tensor a ends at data byte 24 but the file's data has 23: the file is truncated
            {"a":A}                                                        | 25 | tensor a, the last, ends at byte 89 but the file has 90: surplus bytes
            {"a":A,"a":A}                                                  | 24 | tensor a appears twice in the header
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}}      | 20 | tensor a has shape [2, 3] of F32, 24 bytes, but data_offsets of 20
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[24,0]}}      | 24 | tensor a has data_offsets [24, 0], which run backwards
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[-1,23]}}     | 24 | tensor a has a data_offsets with -1, which is no count of bytes or elements
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,9223372036854775807]}}  | 24 | tensor a ends at data byte 9,223,372,036,854,775,807 but the file's data has 24: the file is truncated
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,18446744073709551616]}} | 24 | tensor a has a data_offsets with 18446744073709551616, which is no count of bytes or elements
            {"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}  | 0  | tensor a has shape [4294967296, 4294967296] of F32, more than the whole file
            {"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}       | 6  | tensor a has a shape with 1.5, which is no count of bytes or elements
            {"a":{"dtype":"F32","shape":6,"data_offsets":[0,24]}}          | 24 | tensor a has a shape that is no list
            {"a":{"dtype":"F32","shape":[6],"data_offsets":[0]}}           | 24 | tensor a has 1 data_offsets but must have 2
            {"a":{"dtype":"F32","data_offsets":[0,24]}}                    | 24 | tensor a lacks dtype, shape or data_offsets in the header
            {"a":{"dtype":7,"shape":[6],"data_offsets":[0,24]}}            | 24 | tensor a has a dtype that is no string
            {"a":{"dtype":"F32","shape":[6],"data_offsets":[0,24],"x":1}}  | 24 | tensor a has an unknown key x in the header
            {"a":[]}                                                       | 0  | tensor a has no JSON object in the header
            []                                                             | 0  | the header is no JSON object
            {} {}                                                          | 0  | the header goes on after its object
            {"a":A,"b":{"dtype":"U8","shape":[4],"data_offsets":[20,24]}}  | 24 | tensor b starts at byte 139 but tensor a ends at 143: they overlap
            {"a":A,"b":{"dtype":"U8","shape":[4],"data_offsets":[26,30]}}  | 30 | tensor b starts at byte 145 but tensor a ends at 143: a hole
            {"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}          | 6  | tensor a starts at byte 63 but the header ends at 61: a hole
            """)
    void refusesBrokenHeaders(String header, int dataBytes, String message) throws Exception {
        write(header.replace("A", A), dataBytes);
        assertRefused(": " + message);
    }

    @Test
    void refusesHeadersThatAreNoJson() throws Exception {
        write("{\"a\":{\"dtype\":\"F32\",", 0);
        assertThatExceptionOfType(ConfigException.class)
                .isThrownBy(() -> SafetensorsFile.open(file))
                .matches(e -> !e.getMessage().contains("\n"))
                .withMessageStartingWith("m.safetensors: the header is no valid JSON: ");
    }
}
