package io.millrace.job.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One process of a local cluster: how it starts, and where its pid and log lie.
 *
 * @param name such as {@code taskmanager-1}
 * @param command with the program first
 * @param pidFile while it runs: its pid and start time, because pids are used again
 * @param log its stdout and stderr, appended to
 */
public record ClusterProcess(String name, List<String> command, Path pidFile, Path log) {
    /** Starts it and notes its pid. */
    Process start() throws IOException {
        Path run = Objects.requireNonNull(pidFile.getParent());
        Files.createDirectories(run);
        Files.createDirectories(Objects.requireNonNull(log.getParent()));
        Process process = new ProcessBuilder(command)
                .directory(run.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        note(process.toHandle());
        return process;
    }

    private void note(ProcessHandle handle) throws IOException {
        Path temporary = pidFile.resolveSibling(pidFile.getFileName() + ".tmp");
        Files.writeString(temporary, handle.pid() + " " + startOf(handle));
        Files.move(temporary, pidFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String startOf(ProcessHandle handle) {
        return handle.info().startInstant().map(Instant::toString).orElse("unknown");
    }

    /** Returns the live process, if the one that was noted last is alive. */
    public Optional<ProcessHandle> find() {
        String[] noted;
        try {
            noted = Files.readString(pidFile).split(" ", 2);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new IllegalStateException("can't read " + pidFile + ": " + e.getMessage(), e);
        }
        return noted.length < 2
                ? Optional.empty()
                : ProcessHandle.of(Long.parseLong(noted[0]))
                        .filter(ProcessHandle::isAlive)
                        .filter(h -> startOf(h).equals(noted[1]));
    }
}
