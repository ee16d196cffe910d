package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a dataset's rows come from and go to, and the folder beside the output that keeps the progress until they are complete.
 *
 * @param root folder that input names are relative to
 * @param inputs input files in order
 * @param output file, or folder if {@code isOutputFolder}
 * @param isOutputFolder one output file per input file
 * @param errors file of bad rows
 * @param work folder for progress, beside the output
 */
record DatasetFiles(Path root, List<Path> inputs, Path output, boolean isOutputFolder, Path errors, Path work) {
    private static final String SUFFIX = ".jsonl";

    static DatasetFiles of(Path input, String output, @Nullable Path errors) {
        Path in = input.toAbsolutePath().normalize();
        boolean isFolder = output.endsWith("/") || Files.isDirectory(Path.of(output));
        Path out = Path.of(output).toAbsolutePath().normalize();
        Path name = out.getFileName();
        Path parent = out.getParent();
        if (name == null || parent == null) {
            throw new ConfigException("--output " + output + " must be a file or folder below /");
        }
        if (!Files.isDirectory(parent)) {
            throw new ConfigException("--output " + output + " is in a folder that doesn't exist: make " + parent);
        }
        if (in.equals(out)) {
            throw new ConfigException("--output " + output + " is the input: give another file");
        }
        List<Path> inputs = inputs(in);
        Path root = Files.isDirectory(in) ? in : in.getParent();
        if (root == null) {
            throw new ConfigException("--input " + input + " must be a file or folder below /");
        }
        for (Path p : inputs) {
            if (root.relativize(p).toString().matches("(?s).*[\\t\\n].*")) {
                throw new ConfigException("the name of " + p + " has a tab or a line feed: rename it");
            }
        }
        Path errorFile = errors != null ? errors.toAbsolutePath().normalize() : parent.resolve(name + ".errors.jsonl");
        return new DatasetFiles(root, inputs, out, isFolder, errorFile, parent.resolve("." + name + ".millrace"));
    }

    private static List<Path> inputs(Path in) {
        if (Files.isRegularFile(in)) {
            return List.of(in);
        }
        if (!Files.isDirectory(in)) {
            throw new ConfigException("no file or folder " + in + ": check --input");
        }
        try (Stream<Path> files = Files.walk(in)) {
            List<Path> found = files.filter(f -> f.toString().endsWith(SUFFIX) && Files.isRegularFile(f))
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new ConfigException("no *" + SUFFIX + " file in " + in + ": check --input");
            }
            return found;
        } catch (IOException e) {
            throw new ConfigException("can't list " + in + ": " + e.getMessage(), e);
        }
    }

    /** Returns the names of the input files as their records carry them. */
    List<String> inputNames() {
        return inputs.stream().map(p -> root.relativize(p).toString()).toList();
    }

    /** Returns whether every row is answered and only the output is still to be put together. */
    boolean isFinished() {
        return Files.exists(work.resolve("finished"));
    }

    /** Notes that every row is answered: Flink drops a finished job's checkpoints. */
    void markFinished() throws IOException {
        Files.writeString(work.resolve("finished"), "");
    }

    /** Returns the file that gets an input file's rows. */
    Path outputOf(String inputName) {
        return isOutputFolder ? output.resolve(inputName) : output;
    }

    Path completionParts() {
        return work.resolve("completions");
    }

    Path errorParts() {
        return work.resolve("errors");
    }

    Path checkpoints() {
        return work.resolve("checkpoints");
    }

    Path savepoints() {
        return work.resolve("savepoints");
    }

    /**
     * Takes the work folder for this process.
     *
     * @throws ConfigException if a live process has it
     */
    Lock lock() {
        try {
            Files.createDirectories(work);
            FileChannel channel =
                    FileChannel.open(work.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new ConfigException(
                        output + " is being written by another process: wait for it, or choose another --output");
            }
            return new Lock(work, channel);
        } catch (IOException e) {
            throw new ConfigException("can't work in " + work + ": " + e.getMessage(), e);
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
     * Finds out where to begin, and notes which input this work folder is for.
     *
     * @return checkpoint or savepoint to go on from, null = from the start
     * @throws ConfigException if there is progress but nobody said resume, or it is another input's
     */
    @Nullable
    String begin(boolean isResume) throws IOException {
        Path note = work.resolve("inputs");
        String inputNote = inputNote();
        Optional<Path> progress = latestCheckpoint();
        boolean hasProgress = progress.isPresent() || isFinished();
        if (hasProgress && !isResume) {
            throw new ConfigException("an interrupted run of " + output
                    + " left its progress: add --resume to go on, or delete " + work + " to start afresh");
        }
        if (hasProgress && !inputNote.equals(Files.readString(note))) {
            throw new ConfigException("the input isn't the one that " + output
                    + " was begun with: restore it, or delete " + work + " to start afresh");
        }
        if (!hasProgress) {
            for (Path folder : List.of(completionParts(), errorParts(), checkpoints(), savepoints())) {
                Folders.delete(folder);
            }
            Files.writeString(note, inputNote);
        }
        return progress.map(p -> p.toUri().toString()).orElse(null);
    }

    private String inputNote() throws IOException {
        StringBuilder sb = new StringBuilder();
        for (Path p : inputs) {
            FileTime time = Files.getLastModifiedTime(p);
            sb.append(p)
                    .append('\t')
                    .append(Files.size(p))
                    .append('\t')
                    .append(time)
                    .append('\n');
        }
        return sb.toString();
    }

    /** Returns the folder of the newest complete checkpoint or savepoint. */
    private Optional<Path> latestCheckpoint() throws IOException {
        List<Path> metadata = Stream.concat(metadata(checkpoints()).stream(), metadata(savepoints()).stream())
                .collect(Collectors.toList());
        return metadata.stream()
                .max(Comparator.comparingLong(p -> p.toFile().lastModified()))
                .map(Path::getParent);
    }

    private static List<Path> metadata(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(f -> f.endsWith("_metadata")).toList();
        }
    }

    /** The work folder, taken. */
    record Lock(Path folder, FileChannel channel) implements AutoCloseable {
        /** Deletes the progress: the output is complete. */
        void deleteWork() throws IOException {
            Folders.delete(folder);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
