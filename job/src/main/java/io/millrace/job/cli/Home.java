package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The checkout that this program came from; the start script says where it is. */
public final class Home {
    private Home() {}

    /** Returns the checkout's folder. */
    public static Path folder() {
        return Objects.requireNonNull(
                Objects.requireNonNull(tinyR1().getParent()).getParent());
    }

    /** Returns the folder of the command line's jars. */
    public static Path lib() {
        return folder().resolve("job").resolve("target").resolve("lib");
    }

    /** Returns the jar for {@code flink run}. */
    public static Path jobJar() {
        return folder().resolve("job").resolve("target").resolve("dist").resolve("millrace.jar");
    }

    /** Returns the shipped model's folder. */
    public static Path tinyR1() {
        String home = System.getProperty("millrace.home");
        for (Path p = Path.of(home == null ? "" : home).toAbsolutePath(); p != null; p = p.getParent()) {
            Path model = p.resolve("models").resolve("tiny-r1");
            if (Files.isRegularFile(model.resolve("config.json"))) {
                return model;
            }
        }
        throw new ConfigException("the shipped model isn't here: run ./millrace of the checkout, or give --model DIR");
    }
}
