package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of the input, in the order of their names.
 *
 * @param root folder that names are relative to
 * @param files at least one
 */
public record InputFiles(Path root, List<Path> files) {
    private static final String JSONL = ".jsonl";

    /** Copies the list. */
    public InputFiles {
        files = List.copyOf(files);
    }

    /**
     * Finds them.
     *
     * @param input a file, or a folder: all its JSONL files
     * @throws ConfigException if there is none
     */
    public static InputFiles of(Path input) {
        Path in = input.toAbsolutePath().normalize();
        if (Files.isRegularFile(in)) {
            return new InputFiles(Objects.requireNonNull(in.getParent()), List.of(in));
        }
        if (!Files.isDirectory(in)) {
            throw new ConfigException("no file or folder " + in + ": check --input");
        }
        try (Stream<Path> walk = Files.walk(in)) {
            List<Path> found = walk.filter(f -> f.toString().endsWith(JSONL) && Files.isRegularFile(f))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new ConfigException("no *" + JSONL + " file in " + in + ": check --input");
            }
            return new InputFiles(in, found);
        } catch (IOException e) {
            throw new ConfigException("can't list " + in + ": " + e, e);
        }
    }

    /** Returns a line per file with what tells it from a changed one: name, bytes, time. */
    String note() throws IOException {
        StringBuilder sb = new StringBuilder();
        for (Path f : files) {
            sb.append("input: ")
                    .append(f)
                    .append(", ")
                    .append(Files.size(f))
                    .append(" bytes, ")
                    .append(Files.getLastModifiedTime(f))
                    .append('\n');
        }
        return sb.toString();
    }

    /** Returns how many rows there are; reads the files once. */
    public long countRows() throws IOException {
        long count = 0;
        try (RowSource rows = open(1 << 12)) {
            while (rows.next() != null) {
                count++;
            }
        }
        return count;
    }

    /**
     * Opens one after the other.
     *
     * @param maxRowBytes bytes of a row at most
     */
    RowSource open(int maxRowBytes) {
        Iterator<Path> rest = files.iterator();
        return new RowSource() {
            private @Nullable RowSource current;
            private long numRows;

            @Override
            public @Nullable Row next() throws IOException {
                while (true) {
                    if (current == null) {
                        if (!rest.hasNext()) {
                            return null;
                        }
                        Path file = rest.next();
                        current = new JsonlRows(file, root.relativize(file).toString(), numRows, maxRowBytes);
                    }
                    Row row = current.next();
                    if (row != null) {
                        numRows++;
                        return row;
                    }
                    current.close();
                    current = null;
                }
            }

            @Override
            public void close() throws IOException {
                if (current != null) {
                    current.close();
                }
            }
        };
    }
}
