package io.millrace.operators;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that provenance names: Maven's, from a resource that the build fills in. */
final class EngineVersion {
    /** For instance {@code 0.1.0}. */
    static final String TEXT = read();

    private EngineVersion() {}

    private static String read() {
        Properties properties = new Properties();
        try (InputStream in = EngineVersion.class.getResourceAsStream("version.properties")) {
            if (in == null) {
                throw new IllegalStateException("version.properties is missing in the jar of millrace-operators");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version", "");
    }
}
