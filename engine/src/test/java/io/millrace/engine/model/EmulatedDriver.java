package io.millrace.engine.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * The test-only {@code libcuda.so.1} of module kernels, built into the folder that failsafe's execution {@code cuda-emulated} puts on
 * the dynamic linker's path.
 */
public final class EmulatedDriver {
    private static final int CANT_BUILD = 3;
    private static final String FOLDER = System.getenv("MILLRACE_EMULATED_DRIVER");
    private static final String REASON =
            FOLDER == null ? "not the run with the emulated driver" : build(Path.of(FOLDER));

    static {
        if (FOLDER != null && !REASON.isEmpty()) {
            System.out.println("the cuda back end is not tested: " + REASON);
        }
    }

    private EmulatedDriver() {}

    /** Builds the driver once per JVM; skips the calling test, with the reason, where that can't be done. */
    public static void require() {
        Assumptions.assumeTrue(REASON.isEmpty(), REASON);
    }

    private static String build(Path folder) {
        try {
            Path log = folder.resolve("build.log");
            Process process = new ProcessBuilder("../kernels/src/test/cuda/build-emulated-driver.sh", folder.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            boolean hasEnded = process.waitFor(3, TimeUnit.MINUTES);
            String text = Files.readString(log);
            if (hasEnded && process.exitValue() == CANT_BUILD) {
                return text.strip();
            }
            if (!hasEnded || process.exitValue() != 0) {
                throw new IllegalStateException("the emulated driver doesn't compile:\n" + text);
            }
            return "";
        } catch (IOException e) {
            return "no shell for build-emulated-driver.sh (" + e.getMessage() + ")";
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while g++ ran", e);
        }
    }
}
