package io.millrace.bench.torture;

import io.millrace.job.local.ClusterProcess;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/** Ways to break a cluster. */
enum Kill {
    /** kill -9 of one task manager. */
    TASK_MANAGER {
        @Override
        void strike(Targets targets, SplittableRandom random) {
            kill(one(targets.cluster, "taskmanager-", random));
        }
    },
    /** kill -9 of the job manager. */
    JOB_MANAGER {
        @Override
        void strike(Targets targets, SplittableRandom random) {
            kill(one(targets.cluster, "jobmanager", random));
        }
    },
    /** kill -9 of the broker. */
    BROKER {
        @Override
        void strike(Targets targets, SplittableRandom random) {
            kill(one(targets.cluster, "broker", random));
        }
    },
    /** kill -9 of every process but the supervisor. */
    EVERYTHING {
        @Override
        void strike(Targets targets, SplittableRandom random) {
            targets.cluster.processes().all().forEach(Kill::kill);
        }
    },
    /** A task manager stands still for longer than the heartbeat's time-out, and then goes on as if nothing had been. */
    PAUSE {
        @Override
        void strike(Targets targets, SplittableRandom random) throws IOException, InterruptedException {
            ClusterProcess victim = one(targets.cluster, "taskmanager-", random);
            long pid = victim.find().map(ProcessHandle::pid).orElse(-1L);
            if (pid > 0) {
                signal("-STOP", pid);
                Thread.sleep(PAUSE_LENGTH.toMillis());
                signal("-CONT", pid);
            }
        }
    },
    /** Checkpoints can't be written: where their folder was there is a file. */
    CHECKPOINT_FOLDER {
        @Override
        void strike(Targets targets, SplittableRandom random) throws IOException, InterruptedException {
            Path folder = targets.cluster.settings().checkpoints();
            Path away = folder.resolveSibling("checkpoints.away");
            Files.move(folder, away);
            Files.createFile(folder);
            Thread.sleep(NO_CHECKPOINTS.toMillis());
            Files.delete(folder);
            Files.move(away, folder);
        }
    },
    /** Every connection to the broker is cut, and new ones are for a while. */
    CONNECTIONS {
        @Override
        void strike(Targets targets, SplittableRandom random) throws InterruptedException {
            targets.proxy.cut(NO_CONNECTIONS);
            Thread.sleep(NO_CONNECTIONS.toMillis());
        }
    };

    /** What there is to break. */
    record Targets(LocalCluster cluster, TcpProxy proxy) {}

    /** The heartbeat's time-out is 10 s. */
    private static final Duration PAUSE_LENGTH = Duration.ofSeconds(13);

    private static final Duration NO_CHECKPOINTS = Duration.ofSeconds(5);
    private static final Duration NO_CONNECTIONS = Duration.ofSeconds(3);

    /** Breaks it; returns when it is broken or, where it is broken for a while only, when it goes on. */
    abstract void strike(Targets targets, SplittableRandom random) throws IOException, InterruptedException;

    /** Returns whether a task restarts because of it; else the clients wait until it is over, and nothing shows. */
    boolean mostlyRestartsTasks() {
        return this != BROKER && this != CHECKPOINT_FOLDER && this != CONNECTIONS;
    }

    private static ClusterProcess one(LocalCluster cluster, String prefix, SplittableRandom random) {
        List<ClusterProcess> candidates = cluster.processes().all().stream()
                .filter(p -> p.name().startsWith(prefix))
                .toList();
        return candidates.get(random.nextInt(candidates.size()));
    }

    private static void kill(ClusterProcess process) {
        process.find().ifPresent(ProcessHandle::destroyForcibly);
    }

    /** Sends {@code -STOP} or {@code -CONT}. */
    static void signal(String signal, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", signal, Long.toString(pid)).start().waitFor();
    }
}
