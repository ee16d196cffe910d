package io.millrace.job.dataset;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;

/**
 * The finished rows of a shard that is still being worked on, in the order in which they finished. Thread: the run's.
 *
 * <p>A line is {@code CRC-32 of the rest, 8 hex digits} TAB {@code JSON of a} {@link RowResult}. It is written at once, so that a killed
 * process loses none but the last, torn one: from the first line that isn't whole, the file is cut when it is opened again. It isn't
 * forced to disk: after a power failure rows may be drawn again.
 */
final class ShardJournal implements Closeable {
    private static final int CRC_DIGITS = 8;

    private final Path file;
    private final FileChannel channel;
    private final Map<Long, Place> places = new TreeMap<>();
    private long end;
    private long completionTokens;

    /** Where a row's JSON lies. */
    private record Place(long position, int numBytes) {}

    /** Opens the file, or makes it. */
    ShardJournal(Path file) throws IOException {
        this.file = file;
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        readBack();
        channel.truncate(end);
    }

    private void readBack() throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            while (true) {
                byte[] head = in.readNBytes(CRC_DIGITS + 1);
                if (head.length < CRC_DIGITS + 1) {
                    return;
                }
                byte[] json = line(in);
                if (json.length == 0 || !new String(head, US_ASCII).equals(head(json))) {
                    return;
                }
                note(RowJson.MAPPER.readValue(json, RowResult.class), json.length);
            }
        }
    }

    /** Returns the bytes before the next line feed; none if there is no line feed. */
    private static byte[] line(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                return new byte[0];
            }
            bytes.write(b);
        }
        return bytes.toByteArray();
    }

    private static String head(byte[] json) {
        CRC32 crc = new CRC32();
        crc.update(json);
        return String.format(Locale.ROOT, "%08x\t", crc.getValue());
    }

    private void note(RowResult row, int numBytes) {
        if (places.put(row.row(), new Place(end + CRC_DIGITS + 1, numBytes)) != null) {
            throw new IllegalStateException(file + " has row " + row.row() + " twice");
        }
        end += CRC_DIGITS + 1 + numBytes + 1;
        completionTokens += row.completionTokens();
    }

    /** Appends a row. */
    void add(RowResult row) throws IOException {
        byte[] json = RowJson.MAPPER.writeValueAsBytes(row);
        ByteBuffer line = ByteBuffer.allocate(CRC_DIGITS + 1 + json.length + 1);
        line.put(head(json).getBytes(US_ASCII)).put(json).put((byte) '\n').flip();
        long position = end;
        note(row, json.length);
        while (line.hasRemaining()) {
            position += channel.write(line, position);
        }
    }

    boolean has(long row) {
        return places.containsKey(row);
    }

    int numRows() {
        return places.size();
    }

    /** Returns the tokens that were generated for its rows. */
    long completionTokens() {
        return completionTokens;
    }

    /** What to do with a row that is read back. */
    interface Reader {
        /** A row. */
        void take(RowResult row) throws IOException;
    }

    /** Reads all rows by index, one at a time. */
    void forEach(Reader reader) throws IOException {
        for (Place place : places.values()) {
            ByteBuffer buffer = ByteBuffer.allocate(place.numBytes);
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, place.position + buffer.position()) < 0) {
                    throw new IllegalStateException(file + " became shorter while it was read");
                }
            }
            reader.take(RowJson.MAPPER.readValue(buffer.array(), RowResult.class));
        }
    }

    /** Closes and deletes the file: its shard is written. */
    void delete() throws IOException {
        close();
        Files.deleteIfExists(file);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
