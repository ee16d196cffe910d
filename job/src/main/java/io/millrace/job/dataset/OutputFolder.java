package io.millrace.job.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A dataset's folder: {@code data-*}, {@code errors-*}, {@code rejected-*}, at the end {@code manifest.json} and {@code README.md};
 * until then {@code .work} with the progress. One process at a time has it. Thread: the run's.
 */
public final class OutputFolder implements AutoCloseable {
    private static final String MANIFEST = "manifest.json";
    private static final String JOURNAL = "journal-";

    private final Path root;
    private final Path work;
    private final FileChannel lock;

    private OutputFolder(Path root, Path work, FileChannel lock) {
        this.root = root;
        this.work = work;
        this.lock = lock;
    }

    /**
     * Takes the folder for this process, making it where there is none.
     *
     * @param isResume whether progress that is found may be gone on with
     * @throws ConfigException if another process has it, it is complete, it is somebody else's, or it has progress but nobody
     *     said resume
     */
    public static OutputFolder open(Path folder, boolean isResume) {
        Path root = folder.toAbsolutePath().normalize();
        Path work = root.resolve(".work");
        try {
            check(root, work, isResume);
            Files.createDirectories(work);
            FileChannel channel =
                    FileChannel.open(work.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                channel.close();
                throw new ConfigException(
                        root + " is being written by another process: wait for it, or choose another --output");
            }
            return new OutputFolder(root, work, channel);
        } catch (IOException e) {
            throw new ConfigException("can't work in " + root + ": " + e, e);
        }
    }

    private static void check(Path root, Path work, boolean isResume) throws IOException {
        if (Files.exists(root.resolve(MANIFEST))) {
            throw new ConfigException(
                    root + " is a complete dataset: choose another --output, or delete it to make it again");
        }
        if (Files.isRegularFile(root)) {
            throw new ConfigException(root + " is a file: give a folder as --output, a dataset has several files");
        }
        boolean hasProgress = Files.exists(work.resolve("settings"));
        if (hasProgress && !isResume) {
            throw new ConfigException("an interrupted run of " + root
                    + " left its progress: add --resume to go on, or delete the folder to start afresh");
        }
        if (!hasProgress && !Files.isDirectory(work) && Files.isDirectory(root)) {
            try (Stream<Path> files = Files.list(root)) {
                if (files.findAny().isPresent()) {
                    throw new ConfigException(root + " has other files: choose an empty or a new folder as --output");
                }
            }
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // another thread of this JVM, in tests
        }
    }

    /**
     * Notes what the run does, or checks that it is what was begun.
     *
     * @param settings lines {@code name: value}: everything that the rows of the output depend on
     * @return whether this goes on with an earlier run
     * @throws ConfigException naming the first line that differs
     */
    boolean begin(String settings) throws IOException {
        Path note = work.resolve("settings");
        if (!Files.exists(note)) {
            writeAtOnce(note, settings.getBytes(UTF_8));
            return false;
        }
        List<String> then = Files.readAllLines(note);
        List<String> now = settings.lines().toList();
        for (int i = 0; i < Math.max(then.size(), now.size()); i++) {
            String was = i < then.size() ? then.get(i) : "nothing";
            String is = i < now.size() ? now.get(i) : "nothing";
            if (!was.equals(is)) {
                throw new ConfigException(root + " was begun with \"" + was + "\" but now it is \"" + is
                        + "\": give the same options and input, or delete the folder to start afresh");
            }
        }
        return true;
    }

    public Path root() {
        return root;
    }

    /** Returns where this process may log. */
    public Path log() {
        return work.resolve("millrace.log");
    }

    /** Returns the log of written shards. */
    Path shardLog() {
        return work.resolve("shards.jsonl");
    }

    Path journal(int shard) {
        return work.resolve(String.format(Locale.ROOT, JOURNAL + "%05d", shard));
    }

    /** Returns the shards that have a journal, in order. */
    List<Integer> journaledShards() throws IOException {
        try (Stream<Path> files = Files.list(work)) {
            return files.map(f -> String.valueOf(f.getFileName()))
                    .filter(name -> name.startsWith(JOURNAL))
                    .map(name -> Integer.valueOf(name.substring(JOURNAL.length())))
                    .sorted()
                    .toList();
        }
    }

    /** Returns a file that isn't complete yet; {@link #publish} gives it its place. */
    Path temporary(String name) {
        return work.resolve(name + ".tmp");
    }

    /** Puts a complete file into the output. */
    Path publish(Path temporary, String name) throws IOException {
        force(temporary);
        return Files.move(
                temporary, root.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Writes a small file of the output. */
    void publish(String text, String name) throws IOException {
        Path temporary = temporary(name);
        Files.writeString(temporary, text);
        publish(temporary, name);
    }

    /** Writes the manifest, which makes the dataset complete, and deletes the progress. */
    void complete(String manifest) throws IOException {
        publish(manifest, MANIFEST);
        try (Stream<Path> files = Files.walk(work)) {
            for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }

    private static void writeAtOnce(Path file, byte[] bytes) throws IOException {
        Path temporary = Objects.requireNonNull(file.getParent()).resolve(file.getFileName() + ".tmp");
        Files.write(temporary, bytes);
        force(temporary);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void force(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
