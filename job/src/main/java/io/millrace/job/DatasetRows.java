package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.operators.DeadLetters;
import io.millrace.operators.WireRecord;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Rows on their way from part files to the output. A row in a part file is {@code file TAB line TAB value}, where neither a file
 * name nor a value holds a line feed or the name a tab.
 */
public final class DatasetRows {
    private static final ObjectMapper JSON = new ObjectMapper();

    private DatasetRows() {}

    /** Where a row's value lies: which input line it answers, and its bytes in a part file. */
    private record Place(int fileIndex, long line, int partIndex, long position, int numBytes) {}

    static void writeCompletion(WireRecord row, OutputStream out) throws IOException {
        write(row, Objects.requireNonNull(row.value), out);
    }

    /** Writes the JSON object of a bad row: line, id, stage, class, message, retriable, original_base64. */
    static void writeError(WireRecord row, OutputStream out) throws IOException {
        String id = RecordId.find(row.value);
        ObjectNode json = JSON.createObjectNode();
        json.put("line", row.offset);
        json.put("id", id == null ? row.source() : id);
        json.put("stage", header(row, "stage"));
        json.put("class", header(row, "class"));
        json.put("message", header(row, "message"));
        json.put("retriable", Boolean.parseBoolean(header(row, "retriable")));
        json.put("original_base64", row.value);
        json.put("file", row.topic);
        if (row.header(DeadLetters.PREFIX + "truncated") != null) {
            json.put("original_bytes", Long.parseLong(header(row, "truncated")));
        }
        write(row, JSON.writeValueAsBytes(json), out);
    }

    private static String header(WireRecord row, String name) {
        WireRecord.Header h = row.header(DeadLetters.PREFIX + name);
        return h == null || h.value == null ? "" : new String(h.value, UTF_8);
    }

    private static void write(WireRecord row, byte[] value, OutputStream out) throws IOException {
        out.write((row.topic + "\t" + row.offset + "\t").getBytes(UTF_8));
        out.write(value);
        out.write('\n');
    }

    /**
     * Puts the rows of all part files into the order of the input.
     *
     * @param parts folder of part files
     * @param fileNames names of the input files in order
     * @param output gets all rows; replaced at once when complete
     * @return rows written
     * @throws IllegalStateException if an input line has two rows
     */
    public static long assemble(Path parts, List<String> fileNames, Path output) throws IOException {
        List<Path> partFiles = finishedParts(parts);
        List<Place> places = places(partFiles, fileNames);
        places.sort(Comparator.comparingInt(Place::fileIndex).thenComparingLong(Place::line));
        Path temporary = output.resolveSibling("." + output.getFileName() + ".tmp");
        List<FileChannel> channels = new ArrayList<>();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(temporary), 1 << 16)) {
            for (Path part : partFiles) {
                channels.add(FileChannel.open(part));
            }
            Place last = null;
            for (Place place : places) {
                if (last != null && last.fileIndex == place.fileIndex && last.line == place.line) {
                    throw new IllegalStateException(
                            fileNames.get(place.fileIndex) + " line " + place.line + " was answered twice");
                }
                last = place;
                out.write(read(channels.get(place.partIndex), place));
                out.write('\n');
            }
        } finally {
            for (FileChannel channel : channels) {
                channel.close();
            }
        }
        Files.move(temporary, output, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return places.size();
    }

    private static byte[] read(FileChannel channel, Place place) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(place.numBytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, place.position + buffer.position()) < 0) {
                throw new IllegalStateException("a part file became shorter while it was read");
            }
        }
        return buffer.array();
    }

    /** Returns the files that a checkpoint made final; those in progress begin with a dot. */
    private static List<Path> finishedParts(Path parts) throws IOException {
        if (!Files.isDirectory(parts)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(parts)) {
            return files.filter(f -> !f.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    private static List<Place> places(List<Path> partFiles, List<String> fileNames) throws IOException {
        Map<String, Integer> fileIndex = new HashMap<>();
        for (int i = 0; i < fileNames.size(); i++) {
            fileIndex.put(fileNames.get(i), i);
        }
        List<Place> places = new ArrayList<>();
        for (int part = 0; part < partFiles.size(); part++) {
            try (Scanner scanner = new Scanner(partFiles.get(part))) {
                for (Scanner.Row row = scanner.next(); row != null; row = scanner.next()) {
                    Integer index = fileIndex.get(row.file);
                    if (index == null) {
                        throw new IllegalStateException(
                                partFiles.get(part) + " has a row of " + row.file + ", which is no input file");
                    }
                    places.add(new Place(index, row.line, part, row.position, row.numBytes));
                }
            }
        }
        return places;
    }

    /** Finds the rows of a part file. */
    private static final class Scanner implements AutoCloseable {
        private final InputStream in;
        private long position;

        /** A row, without its value. */
        record Row(String file, long line, long position, int numBytes) {}

        Scanner(Path part) throws IOException {
            in = new BufferedInputStream(Files.newInputStream(part), 1 << 16);
        }

        @Nullable
        Row next() throws IOException {
            String file = until('\t');
            if (file == null) {
                return null;
            }
            long line = Long.parseLong(Objects.requireNonNull(until('\t')));
            long start = position;
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0) {
                    throw new IllegalStateException("a part file ends inside a row");
                }
                position++;
            }
            return new Row(file, line, start, (int) (position++ - start));
        }

        private @Nullable String until(char end) throws IOException {
            java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
            for (int b = in.read(); b != end; b = in.read()) {
                if (b < 0) {
                    return null;
                }
                position++;
                bytes.write(b);
            }
            position++;
            return bytes.toString(UTF_8);
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
