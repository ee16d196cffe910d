package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LoggerContext;

/**
 * Where log lines go: our own warnings to stderr, and once a command has a folder for its work, everything into a file there.
 * Brokers and clusters in this JVM warn a lot about what is normal in a demo; that belongs into the file.
 */
final class Logs {
    private static final String CONSOLE_LEVEL = "millrace.console.level";
    private static final String FILE = "millrace.log.file";

    private Logs() {}

    /** Before anything logs. */
    static void start(boolean isVerbose) {
        System.setProperty(CONSOLE_LEVEL, isVerbose ? "INFO" : "WARN");
    }

    /** From now on everything goes into a file too. Returns the file. */
    static Path toFile(Path file) {
        System.setProperty(FILE, file.toString());
        URL config = Objects.requireNonNull(Logs.class.getResource("/log4j2-millrace-file.properties"));
        try {
            ((LoggerContext) LogManager.getContext(false)).setConfigLocation(config.toURI());
        } catch (URISyntaxException e) {
            throw new ConfigException("can't set up the log file " + file, e);
        }
        return file;
    }
}
