package io.millrace.bench.torture;

import io.millrace.job.local.ClusterProcess;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/** Ways to break a cluster. */
enum Kill {
    /** kill -9 of one task manager. */
    TASK_MANAGER {
        @Override
        void strike(LocalCluster cluster, SplittableRandom random) {
            kill(one(cluster, "taskmanager-", random));
        }
    },
    /** kill -9 of the job manager. */
    JOB_MANAGER {
        @Override
        void strike(LocalCluster cluster, SplittableRandom random) {
            kill(one(cluster, "jobmanager", random));
        }
    },
    /** kill -9 of the broker. */
    BROKER {
        @Override
        void strike(LocalCluster cluster, SplittableRandom random) {
            kill(one(cluster, "broker", random));
        }
    },
    /** kill -9 of every process but the supervisor. */
    EVERYTHING {
        @Override
        void strike(LocalCluster cluster, SplittableRandom random) {
            cluster.processes().all().forEach(Kill::kill);
        }
    },
    /** A task manager stands still for longer than the heartbeat's time-out, and then goes on as if nothing had been. */
    PAUSE {
        @Override
        void strike(LocalCluster cluster, SplittableRandom random) throws IOException, InterruptedException {
            ClusterProcess victim = one(cluster, "taskmanager-", random);
            long pid = victim.find().map(ProcessHandle::pid).orElse(-1L);
            if (pid > 0) {
                signal("-STOP", pid);
                Thread.sleep(PAUSE_LENGTH.toMillis());
                signal("-CONT", pid);
            }
        }
    };

    /** The heartbeat's time-out is 10 s. */
    private static final Duration PAUSE_LENGTH = Duration.ofSeconds(13);

    /** Breaks it; returns when it is broken or, after a pause, when it goes on. */
    abstract void strike(LocalCluster cluster, SplittableRandom random) throws IOException, InterruptedException;

    private static ClusterProcess one(LocalCluster cluster, String prefix, SplittableRandom random) {
        List<ClusterProcess> candidates = cluster.processes().all().stream()
                .filter(p -> p.name().startsWith(prefix))
                .toList();
        return candidates.get(random.nextInt(candidates.size()));
    }

    private static void kill(ClusterProcess process) {
        process.find().ifPresent(ProcessHandle::destroyForcibly);
    }

    private static void signal(String signal, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", signal, Long.toString(pid)).start().waitFor();
    }
}
