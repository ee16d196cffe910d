package io.millrace.job;

import io.millrace.engine.ConfigException;
import io.millrace.engine.model.ModelFolder;
import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.DeviceInfo;
import io.millrace.kernels.ParallelPlan;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code millrace doctor} looks at on the machine that it runs on: run it where a task manager will. The engine itself refuses to
 * start for the same reasons.
 */
public final class MachineChecks {
    private static final int LEAST_JAVA = 17;
    private static final String VECTORS = "jdk.incubator.vector";

    private MachineChecks() {}

    /** Looks at JVM, back end, model folder, and memory. Returns one finding per check. */
    public static List<Finding> look(JobOptions options) {
        List<Finding> findings = new ArrayList<>();
        findings.add(java(Runtime.version().feature()));
        findings.add(vectors(ModuleFinder.ofSystem()));
        findings.add(backend(options.get(JobOptions.BACKEND)));
        try {
            Path folder =
                    ModelFolder.open(Path.of(options.get(JobOptions.MODEL))).path();
            long weightBytes = weightBytes(folder);
            findings.add(Finding.ok("model", folder + ", " + mebibytes(weightBytes) + " of weights"));
            if (options.get(JobOptions.BACKEND).equals("cpu")) {
                findings.add(memory(weightBytes, physicalBytes()));
            }
        } catch (ConfigException e) {
            findings.add(Finding.failed("model", e));
        }
        return findings;
    }

    static Finding java(int version) {
        if (version < LEAST_JAVA) {
            return Finding.failed(
                    "java",
                    new ConfigException("Java is " + version + " but must be at least " + LEAST_JAVA
                            + ": install a later JDK, or set JAVA_HOME"));
        }
        return Finding.ok(
                "java",
                "Java " + version + " (at least " + LEAST_JAVA + ") on "
                        + Runtime.getRuntime().availableProcessors() + " cores");
    }

    static Finding vectors(ModuleFinder system) {
        if (system.find(VECTORS).isEmpty()) {
            return Finding.warning(
                    "vectors",
                    "this JVM has no module " + VECTORS + ": same answers, slower; use a full JDK for task managers");
        }
        return Finding.ok(
                "vectors",
                VECTORS + " is there; task managers need --add-modules=" + VECTORS + " in env.java.opts.all");
    }

    static Finding backend(String name) {
        try (Backend backend = Backends.named(name, 1)) {
            DeviceInfo info = backend.open(ParallelPlan.SINGLE).get(0).device().info();
            return Finding.ok("back end", name + ": " + info.name() + ", " + info.description());
        } catch (DeviceException e) {
            return Finding.failed("back end", new ConfigException(String.valueOf(e.getMessage()), e));
        }
    }

    static Finding memory(long weightBytes, long physicalBytes) {
        String have = mebibytes(weightBytes) + " of weights, " + mebibytes(physicalBytes) + " of memory";
        if (weightBytes > physicalBytes) {
            return Finding.failed(
                    "memory", new ConfigException(have + ": the cpu back end holds all weights; use a larger machine"));
        }
        return Finding.ok("memory", have + "; a task manager's heap holds weights and --kv-cache-bytes");
    }

    private static long weightBytes(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            long sum = 0;
            for (Path file :
                    files.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
                sum += Files.size(file);
            }
            if (sum == 0) {
                throw new ConfigException(
                        "model folder " + folder + " has no *.safetensors file: copy the weights there");
            }
            return sum;
        } catch (IOException e) {
            throw new ConfigException("model folder " + folder + " can't be read: " + e, e);
        }
    }

    private static long physicalBytes() {
        return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getTotalMemorySize();
    }

    private static String mebibytes(long bytes) {
        return (bytes >> 20) + " MiB";
    }
}
