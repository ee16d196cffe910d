package io.millrace.job;

import io.millrace.operators.WireRecord;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Splits a stream into lines at line feeds, as bytes. Blank lines are counted but not returned. Thread: one. */
public final class LineReader implements Closeable {
    private final InputStream in;
    private final String name;
    private final int maxLineBytes;
    private byte[] line = new byte[4096];
    private long lineNumber;

    /**
     * Makes one.
     *
     * @param in buffered; closed with this
     * @param name of the file, for the records
     * @param maxLineBytes bytes of a line that are kept
     */
    public LineReader(InputStream in, String name, int maxLineBytes) {
        this.in = in;
        this.name = name;
        this.maxLineBytes = maxLineBytes;
    }

    /** Returns the next line that isn't blank, null at the end. */
    public @Nullable WireRecord next() throws IOException {
        while (true) {
            long length = readLine();
            if (length < 0) {
                return null;
            }
            int kept = (int) Math.min(length, maxLineBytes);
            if (kept == length && kept > 0 && line[kept - 1] == '\r') {
                kept--;
                length--;
            }
            if (isBlank(kept)) {
                continue;
            }
            WireRecord r = new WireRecord();
            r.topic = name;
            r.offset = lineNumber;
            r.value = Arrays.copyOf(line, kept);
            r.fullBytes = kept < length ? length : -1;
            return r;
        }
    }

    /** Reads a line into {@link #line} as far as it may be kept. Returns its full length, −1 at the end. */
    private long readLine() throws IOException {
        int b = in.read();
        if (b < 0) {
            return -1;
        }
        lineNumber++;
        long length = 0;
        while (b >= 0 && b != '\n') {
            if (length < maxLineBytes) {
                if (length == line.length) {
                    line = Arrays.copyOf(line, (int) Math.min(2L * line.length, Math.max(maxLineBytes, 1)));
                }
                line[(int) length] = (byte) b;
            }
            length++;
            b = in.read();
        }
        return length;
    }

    private boolean isBlank(int count) {
        for (int i = 0; i < count; i++) {
            if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
