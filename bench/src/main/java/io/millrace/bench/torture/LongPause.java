package io.millrace.bench.torture;

import io.millrace.job.local.ClusterProcess;
import io.millrace.job.local.LocalCluster;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * All task managers stand still beyond the transaction time-out, at the worst moment: a checkpoint that relies on open transactions
 * is complete, and nobody has committed them yet. What they hold is lost; the job has to say so. Thread: one.
 *
 * <p>The moment lasts milliseconds, so it is made: the job manager stands still while the tasks acknowledge a checkpoint, and goes on
 * when they stand still.
 */
final class LongPause {
    /** Short, so that a pause needn't be long; longer than the heartbeat's time-out and a restart, so that other kills lose nothing. */
    static final Duration TRANSACTION_TIMEOUT = Duration.ofSeconds(25);

    /** A broker looks every 10 s for transactions that are over. */
    private static final Duration LENGTH = TRANSACTION_TIMEOUT.plusSeconds(15);

    private static final Duration ACKNOWLEDGED_WITHIN = Duration.ofSeconds(1);
    private static final Duration COMPLETED_WITHIN = Duration.ofSeconds(3);
    private static final Duration NEXT_CHECKPOINT_WITHIN = Duration.ofSeconds(30);
    private static final int NUM_TRIES = 20;
    private static final Pattern REPORT = Pattern.compile("LOST COMMIT: .*?transactional id ([^,\\s]+)");

    private final LocalCluster cluster;
    private final Path checkpoints;

    /**
     * Makes one.
     *
     * @param jobId of the job to pause
     */
    LongPause(LocalCluster cluster, String jobId) {
        this.cluster = cluster;
        checkpoints = cluster.settings().checkpoints().resolve(jobId);
    }

    /**
     * Pauses; returns when the task managers go on.
     *
     * @return whether the moment was met
     */
    boolean strike() throws IOException, InterruptedException {
        for (int i = 0; i < NUM_TRIES; i++) {
            Set<Path> before = folders();
            if (!waitFor(NEXT_CHECKPOINT_WITHIN, () -> !before.containsAll(folders()))) {
                return false; // no more checkpoints
            }
            Set<Path> begun = folders();
            begun.removeAll(before);
            if (standStillAround(begun)) {
                return true;
            }
        }
        return false;
    }

    private boolean standStillAround(Set<Path> begun) throws IOException, InterruptedException {
        List<Long> stopped = new ArrayList<>();
        try {
            stop("jobmanager", stopped);
            if (begun.stream().anyMatch(LongPause::isComplete)) {
                return false; // too late
            }
            Thread.sleep(ACKNOWLEDGED_WITHIN.toMillis());
            long jobManager = stopped.remove(0);
            stop("taskmanager-", stopped);
            Kill.signal("-CONT", jobManager);
            if (!waitFor(COMPLETED_WITHIN, () -> begun.stream().anyMatch(LongPause::isComplete))) {
                return false; // too early: the tasks didn't know of it yet
            }
            Thread.sleep(LENGTH.toMillis());
            return true;
        } finally {
            for (long pid : stopped) {
                Kill.signal("-CONT", pid);
            }
        }
    }

    private void stop(String prefix, List<Long> stopped) throws IOException, InterruptedException {
        for (ClusterProcess p : cluster.processes().all()) {
            if (p.name().startsWith(prefix)) {
                long pid = p.find()
                        .orElseThrow(() -> new IllegalStateException(p.name() + " doesn't run"))
                        .pid();
                stopped.add(pid);
                Kill.signal("-STOP", pid);
            }
        }
    }

    private static boolean isComplete(Path checkpoint) {
        return Files.exists(checkpoint.resolve("_metadata"));
    }

    /** Returns the folders of the checkpoints that are kept or being made. */
    private Set<Path> folders() {
        Set<Path> found = new HashSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(checkpoints, "chk-*")) {
            entries.forEach(found::add);
            return found;
        } catch (IOException e) {
            throw new IllegalStateException("can't list " + checkpoints + ": " + e.getMessage(), e);
        }
    }

    private static boolean waitFor(Duration atMost, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            Thread.sleep(1);
        }
        return true;
    }

    /** Returns the transactional ids whose loss the task managers have reported, each once: a restart reports it again. */
    Set<String> reported() throws IOException {
        Set<String> ids = new HashSet<>();
        for (ClusterProcess p : cluster.processes().all()) {
            if (Files.exists(p.log())) {
                Matcher m = REPORT.matcher(Files.readString(p.log()));
                while (m.find()) {
                    ids.add(m.group(1));
                }
            }
        }
        return ids;
    }
}
