package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One safetensors shard, memory-mapped read-only: 8 bytes of header length, a JSON header, the tensors' bytes. Everything the
 * header says is checked against the file's size before anything of that size is allocated; the tensors must fill the data
 * without holes or overlaps, as the format's reference implementation demands. Any thread.
 *
 * <p>Windows of 2 GiB that overlap by half are mapped when first needed: a tensor of up to 1 GiB lies in one of them, a larger
 * one gets a mapping of its own. The mappings go when the buffers do.
 */
final class SafetensorsFile {
    /** Bytes of a header at most: the reference implementation's limit. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    private static final long HALF_WINDOW = 1L << 30;

    /**
     * A tensor as the header describes it.
     *
     * @param dtype the format's name: F8_E4M3, BF16, F32 …
     * @param begin first byte in the file
     * @param end byte after the last
     */
    record Entry(String name, String dtype, List<Long> shape, long begin, long end) {}

    private final Path file;
    private final long fileBytes;
    private final Map<String, Entry> entries;
    private final Map<Long, ByteBuffer> windows = new ConcurrentHashMap<>();

    private SafetensorsFile(Path file, long fileBytes, Map<String, Entry> entries) {
        this.file = file;
        this.fileBytes = fileBytes;
        this.entries = entries;
    }

    /**
     * Reads and checks the header.
     *
     * @throws ConfigException naming the file and, where one is to blame, the tensor
     */
    static SafetensorsFile open(Path file) {
        String fileName = String.valueOf(file.getFileName());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long fileBytes = channel.size();
            if (fileBytes < 8) {
                throw new ConfigException(fileName + " has " + fileBytes
                        + " bytes but a safetensors file starts with 8 bytes of header length");
            }
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            readFully(channel, length, 0);
            long headerBytes = length.getLong(0);
            if (headerBytes < 2 || headerBytes > Math.min(MAX_HEADER_BYTES, fileBytes - 8)) {
                throw new ConfigException(
                        fileName + ": the header is said to have " + Long.toUnsignedString(headerBytes)
                                + " bytes but the file has " + fileBytes + " (limit " + MAX_HEADER_BYTES
                                + "): it is truncated or no safetensors file");
            }
            ByteBuffer header = ByteBuffer.allocate((int) headerBytes);
            readFully(channel, header, 8);
            List<Entry> entries = SafetensorsHeader.parse(fileName, header.array(), fileBytes);
            checkOffsets(fileName, entries, 8 + headerBytes, fileBytes);
            Map<String, Entry> byName = new LinkedHashMap<>();
            entries.forEach(e -> byName.put(e.name(), e));
            return new SafetensorsFile(file, fileBytes, Collections.unmodifiableMap(byName));
        } catch (IOException e) {
            throw new ConfigException(file + " can't be read: " + e, e);
        }
    }

    private static void readFully(FileChannel channel, ByteBuffer into, long position) throws IOException {
        while (into.hasRemaining()) {
            int count = channel.read(into, position + into.position());
            if (count < 0) {
                throw new IOException("ends at byte " + (position + into.position()) + " while being read");
            }
        }
    }

    /** Sorts the entries by place and refuses overlaps, holes and bytes that belong to no tensor. */
    private static void checkOffsets(String fileName, List<Entry> entries, long dataStart, long fileBytes) {
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long end = dataStart;
        String before = "the header";
        for (Entry e : entries) {
            if (e.begin() != end) {
                throw new ConfigException(String.format(
                        Locale.ROOT,
                        "%s: tensor %s starts at byte %,d but %s ends at %,d: %s",
                        fileName,
                        e.name(),
                        e.begin(),
                        before,
                        end,
                        e.begin() < end ? "they overlap" : "a hole"));
            }
            end = e.end();
            before = "tensor " + e.name();
        }
        if (end != fileBytes) {
            throw new ConfigException(String.format(
                    Locale.ROOT,
                    "%s: %s, the last, ends at byte %,d but the file has %,d: surplus bytes",
                    fileName,
                    before,
                    end,
                    fileBytes));
        }
    }

    /** Returns the file's name without its folder. */
    String fileName() {
        return String.valueOf(file.getFileName());
    }

    long fileBytes() {
        return fileBytes;
    }

    /** Returns the tensors by name, in the order of their bytes. */
    Map<String, Entry> entries() {
        return entries;
    }

    /**
     * Returns a tensor's bytes, little-endian and read-only.
     *
     * @throws ConfigException if it is larger than a buffer can be
     */
    ByteBuffer data(Entry e) {
        long bytes = e.end() - e.begin();
        if (bytes > Integer.MAX_VALUE) {
            throw new ConfigException(String.format(
                    Locale.ROOT,
                    "%s: tensor %s has %,d bytes but at most %,d are supported",
                    fileName(),
                    e.name(),
                    bytes,
                    Integer.MAX_VALUE));
        }
        long window = e.begin() / HALF_WINDOW;
        long start = window * HALF_WINDOW;
        if (e.end() - start > Integer.MAX_VALUE) {
            return map(e.begin(), bytes);
        }
        ByteBuffer mapped = windows.computeIfAbsent(
                window, w -> map(w * HALF_WINDOW, Math.min(Integer.MAX_VALUE, fileBytes - w * HALF_WINDOW)));
        return mapped.slice((int) (e.begin() - start), (int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private ByteBuffer map(long start, long bytes) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, start, bytes).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw new ConfigException(file + " can't be mapped: " + e, e);
        }
    }
}
