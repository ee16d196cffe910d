package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import org.jspecify.annotations.Nullable;

/** The lines of stdin, UTF-8. Only a line feed ends a line: a text may hold carriage returns. */
final class StdinLines implements AutoCloseable {
    private final Reader in = new BufferedReader(new InputStreamReader(System.in, UTF_8), 1 << 16);
    private final StringBuilder line = new StringBuilder();
    private long number;

    /** Returns the next line, null at the end. */
    @Nullable
    String next() throws IOException {
        line.setLength(0);
        int c = in.read();
        if (c < 0) {
            return null;
        }
        number++;
        for (; c >= 0 && c != '\n'; c = in.read()) {
            line.append((char) c);
        }
        return line.toString();
    }

    /** Returns the number of the line that came last, from 1. */
    long number() {
        return number;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
