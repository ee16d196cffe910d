package io.millrace.job.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.job.LineReader;
import io.millrace.operators.WireRecord;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The lines of one JSONL file; blank ones aren't rows. A line that is no object, or too long, is a row with a problem. */
final class JsonlRows implements RowSource {
    private final LineReader lines;
    private final int maxRowBytes;
    private long index;

    /**
     * Opens a file.
     *
     * @param name for messages and {@code file:line}
     * @param firstIndex index of its first row
     * @param maxRowBytes bytes of a row at most
     */
    JsonlRows(Path file, String name, long firstIndex, int maxRowBytes) throws IOException {
        lines = new LineReader(new BufferedInputStream(Files.newInputStream(file), 1 << 16), name, maxRowBytes);
        this.maxRowBytes = maxRowBytes;
        index = firstIndex;
    }

    @Override
    public @Nullable Row next() throws IOException {
        WireRecord line = lines.next();
        if (line == null) {
            return null;
        }
        return row(line, index++, maxRowBytes);
    }

    /** Reads a line as the row of that index. */
    static Row row(WireRecord line, long index, int maxRowBytes) {
        if (line.fullBytes >= 0) {
            return bad(
                    index,
                    line,
                    "row has " + line.fullBytes + " bytes but the limit is " + maxRowBytes
                            + ": shorten it or raise max-request-bytes");
        }
        try {
            JsonNode json = RowJson.MAPPER.readTree(Objects.requireNonNull(line.value));
            return json instanceof ObjectNode columns
                    ? new Row(index, line.topic, line.offset, columns, null)
                    : bad(index, line, "row is no JSON object: give one object per line");
        } catch (JsonProcessingException e) {
            return bad(index, line, "row is no JSON object: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new UncheckedIOException("reading bytes in memory", e);
        }
    }

    private static Row bad(long index, WireRecord line, String problem) {
        return new Row(index, line.topic, line.offset, null, problem);
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
