package io.millrace.job.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedOutputStream;
import java.io.PrintStream;
import picocli.CommandLine.Option;

/** What a user sees: results on stdout, talk on stdout or, with {@code --json}, nowhere, a progress bar on stderr if that is a terminal. */
public final class Terminal {
    @Option(names = "--json", description = "Machine-readable results on stdout.")
    private boolean isJson;

    @Option(names = "--verbose", description = "Stack traces of failures and more log lines on stderr.")
    @SuppressWarnings("UnusedVariable") // Main looks for it before anything is parsed or logged
    private boolean isVerbose;

    // Around the standard streams, whose own encoding depends on the locale.
    private final PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, UTF_8);
    private final PrintStream err = new PrintStream(System.err, true, UTF_8);

    /** Returns whether results have to be JSON. */
    boolean isJson() {
        return isJson;
    }

    /** Returns whether stderr is a terminal (the start script says so). */
    public static boolean isInteractive() {
        return Boolean.getBoolean("millrace.terminal");
    }

    /** Returns whether stdout is a terminal (the start script says so). */
    static boolean isScreen() {
        return Boolean.getBoolean("millrace.screen");
    }

    /** Prints a line for people; nothing with {@code --json}. */
    void say(String line) {
        if (!isJson) {
            out.println(line);
            out.flush();
        }
    }

    /** Prints a line of the result. */
    void result(String line) {
        out.println(line);
        if (out.checkError()) {
            throw new IllegalStateException("stdout is closed");
        }
    }

    /** Prints a line of the result without flushing. */
    void row(String line) {
        out.println(line);
    }

    /** Writes bytes of the result and a line feed, without flushing. */
    void row(byte[] line) {
        out.write(line, 0, line.length);
        out.write('\n');
    }

    /** Writes bytes of the result and sends them out. */
    void write(byte[] bytes, int count) {
        out.write(bytes, 0, count);
        flush();
    }

    /** Sends out what was written. */
    void flush() {
        if (out.checkError()) {
            throw new IllegalStateException("stdout is closed");
        }
    }

    /** Prints a line on stderr, also with {@code --json}. */
    void note(String line) {
        err.println(line);
    }

    /** Returns a progress bar; it shows nothing unless stderr is a terminal. */
    ProgressBar progress(long total) {
        return new ProgressBar(isInteractive() ? err : null, total);
    }
}
