package io.millrace.kernels.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * The test-only {@code libcuda.so.1}: src/test/cuda and the kernel sources, compiled by g++ into the folder that surefire's execution
 * {@code cuda-emulated} puts on the dynamic linker's path.
 */
final class EmulatedDriver {
    private static final String FOLDER = System.getenv("MILLRACE_EMULATED_DRIVER");
    private static final String REASON =
            FOLDER == null ? "not the run with the emulated driver" : build(Path.of(FOLDER));

    static {
        if (FOLDER != null && !REASON.isEmpty()) {
            System.out.println("cuda ops are not tested: " + REASON);
        }
    }

    private EmulatedDriver() {}

    /** Builds the driver once per JVM; skips the calling test, with the reason, where that can't be done. */
    static void require() {
        Assumptions.assumeTrue(REASON.isEmpty(), REASON);
    }

    private static String build(Path folder) {
        if (!System.getProperty("os.name").equals("Linux")
                || !System.getProperty("os.arch").equals("amd64")) {
            return "the emulated driver is for x86-64 Linux";
        }
        try {
            List<String> command =
                    new ArrayList<>(List.of("g++", "-std=c++17", "-O2", "-march=x86-64-v2", "-fPIC", "-shared"));
            command.addAll(List.of(
                    "-ffp-contract=off", "-Wall", "-Werror", "-Wno-unknown-pragmas", "-Wl,-soname,libcuda.so.1"));
            command.addAll(List.of("-I", "src/test/cuda/shim", "-include", "emulator.h", "-x", "c++"));
            command.addAll(sources("src/test/cuda/driver", ".cpp"));
            command.addAll(sources("src/main/cuda", ".cu"));
            command.addAll(List.of("-o", folder.resolve("libcuda.so.1").toString()));
            Path log = folder.resolve("g++.log");
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            if (!process.waitFor(3, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new IllegalStateException("the emulated driver doesn't compile:\n" + Files.readString(log));
            }
            return "";
        } catch (IOException e) {
            return "no g++ on the PATH (" + e.getMessage() + "): install it to run the cuda kernels on the host";
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while g++ ran", e);
        }
    }

    static List<String> sources(String folder, String... ends) throws IOException {
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            return files.map(Path::toString)
                    .filter(f -> Stream.of(ends).anyMatch(f::endsWith))
                    .sorted()
                    .toList();
        }
    }
}
