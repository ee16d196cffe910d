package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * The files of the input, in the order of their names.
 *
 * @param root folder that names are relative to
 * @param files at least one
 */
public record InputFiles(Path root, List<Path> files) {
    static final String PARQUET = ".parquet";
    private static final String JSONL = ".jsonl";

    /** Copies the list. */
    public InputFiles {
        files = List.copyOf(files);
    }

    /** Returns whether an input is a Parquet file or a folder that has one. */
    public static boolean isParquet(Path input) {
        if (!Files.isDirectory(input)) {
            return input.toString().endsWith(PARQUET);
        }
        try (Stream<Path> walk = Files.walk(input)) {
            return walk.anyMatch(f -> f.toString().endsWith(PARQUET));
        } catch (IOException e) {
            throw new ConfigException("can't list " + input + ": " + e, e);
        }
    }

    /**
     * Finds them.
     *
     * @param input a file, or a folder: all its JSONL or all its Parquet files
     * @throws ConfigException if there is none, or there are both
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
            List<Path> found = walk.filter(f -> isRows(f.toString()) && Files.isRegularFile(f))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new ConfigException("no *" + JSONL + " or *" + PARQUET + " file in " + in + ": check --input");
            }
            if (found.stream()
                            .map(f -> f.toString().endsWith(PARQUET))
                            .distinct()
                            .count()
                    > 1) {
                throw new ConfigException(
                        in + " has both *" + JSONL + " and *" + PARQUET + " files: give a folder with one kind");
            }
            return new InputFiles(in, found);
        } catch (IOException e) {
            throw new ConfigException("can't list " + in + ": " + e, e);
        }
    }

    private static boolean isRows(String name) {
        return name.endsWith(JSONL) || name.endsWith(PARQUET);
    }

    boolean isParquet() {
        return files.get(0).toString().endsWith(PARQUET);
    }

    /**
     * Returns how data is written.
     *
     * @throws ConfigException if Parquet files of the input, whose columns the output would have, differ in them
     */
    DataFormat format(boolean isParquetWanted) throws IOException {
        if (!isParquetWanted) {
            return DataFormat.JSONL;
        }
        if (!isParquet()) {
            return DataFormat.parquet(new ParquetColumns(null));
        }
        Schema first = ParquetRows.schema(files.get(0));
        for (Path f : files) {
            if (!ParquetRows.schema(f).equals(first)) {
                throw new ConfigException(f + " has other columns than " + files.get(0)
                        + ": give them one by one, or --output-format jsonl");
            }
        }
        return DataFormat.parquet(new ParquetColumns(first));
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

    /** Returns how many rows there are; reads JSONL files once, of Parquet files the footers. */
    public long countRows() throws IOException {
        long count = 0;
        if (isParquet()) {
            for (Path f : files) {
                count += ParquetRows.count(f);
            }
            return count;
        }
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
     * @param maxRowBytes bytes of a JSONL row at most
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
                        String name = root.relativize(file).toString();
                        current = isParquet()
                                ? new ParquetRows(file, name, numRows)
                                : new JsonlRows(file, name, numRows, maxRowBytes);
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
