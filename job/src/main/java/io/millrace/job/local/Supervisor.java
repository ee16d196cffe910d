package io.millrace.job.local;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a local cluster's processes, starts again what dies, and ends them all when it is ended. A process of its own; its main
 * thread does everything but the end.
 */
public final class Supervisor {
    private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);
    private static final long LOOK_MS = 100;
    private static final long RESTART_DELAY_MS = 500;
    private static final long PATIENCE_SECONDS = 10;

    private final List<ClusterProcess> processes;
    private final List<@Nullable Process> running = new ArrayList<>();
    private boolean isEnding;

    private Supervisor(List<ClusterProcess> processes) {
        this.processes = processes;
    }

    /** Arguments: the cluster's folder, the folder of the jars. Ends by SIGTERM only. */
    public static void main(String[] args) throws IOException, InterruptedException {
        ClusterSettings settings = ClusterSettings.read(Path.of(args[0]));
        Files.createDirectories(settings.run());
        try (FileChannel channel =
                        FileChannel.open(lockFile(settings), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock == null) {
                LOG.error("another supervisor has {}", settings.folder());
                return;
            }
            Supervisor supervisor = new Supervisor(new ClusterProcesses(settings, Path.of(args[1])).all());
            Runtime.getRuntime().addShutdownHook(new Thread(supervisor::end, "end"));
            supervisor.watch();
        }
    }

    static Path lockFile(ClusterSettings settings) {
        return settings.run().resolve("lock");
    }

    private void watch() throws InterruptedException, IOException {
        for (ClusterProcess p : processes) {
            start(running.size(), p);
        }
        while (true) {
            Thread.sleep(LOOK_MS);
            for (int i = 0; i < processes.size(); i++) {
                Process process = running.get(i);
                if (process != null && !process.isAlive()) {
                    LOG.warn(
                            "{} ended with {}: it is started again",
                            processes.get(i).name(),
                            process.exitValue());
                    Thread.sleep(RESTART_DELAY_MS);
                    start(i, processes.get(i));
                }
            }
        }
    }

    private synchronized void start(int index, ClusterProcess p) throws IOException {
        if (isEnding) {
            return;
        }
        Process process = p.start();
        LOG.info("{} has pid {}", p.name(), process.pid());
        if (index == running.size()) {
            running.add(process);
        } else {
            running.set(index, process);
        }
    }

    /** Ends everything, what was started last first, so that nobody complains about a lost peer. */
    private synchronized void end() {
        isEnding = true;
        for (int i = running.size() - 1; i >= 0; i--) {
            Process process = running.get(i);
            if (process != null) {
                process.destroy();
                end(process);
            }
            processes.get(i).pidFile().toFile().delete();
        }
    }

    private static void end(Process process) {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
