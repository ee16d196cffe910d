package io.millrace.engine.model;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;

/**
 * SHA-256 over files: each one's name, size and own SHA-256, in the order of the names. A file's own is one sequential task; those
 * of several files run in parallel, beside whatever else reads the files at the time. Thread: the tasks any, the rest one.
 */
final class ContentHash {
    private static final int PIECE_BYTES = 1 << 20;

    private final SortedMap<String, Path> files;
    private final SortedMap<String, Long> sizes = new TreeMap<>();
    private final Map<String, byte[]> digests = new ConcurrentHashMap<>();
    private final ByteProgress progress;

    /**
     * Looks at the files' sizes.
     *
     * @param files name → file
     */
    ContentHash(SortedMap<String, Path> files, ProgressListener listener) {
        this.files = files;
        files.forEach((fileName, file) -> sizes.put(fileName, sizeOf(file)));
        progress = new ByteProgress(
                sizes.values().stream().mapToLong(Long::longValue).sum(), listener);
    }

    /** Returns the names of the files, in order. */
    Set<String> fileNames() {
        return files.keySet();
    }

    /** Reads a file. Any thread. */
    void read(String fileName) {
        Path file = files.get(fileName);
        if (file == null) {
            throw new IllegalArgumentException(fileName);
        }
        digests.put(fileName, digest(file, progress));
    }

    /** Reads every file in parallel. */
    void readAll() {
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (String fileName : files.keySet()) {
            tasks.add(() -> {
                read(fileName);
                return true;
            });
        }
        LoaderThreads.all(tasks);
    }

    /** Returns the hash of all files, which must have been read; hex. */
    String hex() {
        MessageDigest whole = sha256();
        sizes.forEach((fileName, fileBytes) -> {
            byte[] utf8 = fileName.getBytes(StandardCharsets.UTF_8);
            whole.update(ByteBuffer.allocate(4).putInt(utf8.length).flip());
            whole.update(utf8);
            whole.update(ByteBuffer.allocate(8).putLong(fileBytes).flip());
            byte[] digest = digests.get(fileName);
            if (digest == null) {
                throw new IllegalStateException(fileName + " wasn't read");
            }
            whole.update(digest);
        });
        return HexFormat.of().formatHex(whole.digest());
    }

    private static long sizeOf(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static byte[] digest(Path file, ByteProgress progress) {
        MessageDigest digest = sha256();
        ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (int count = channel.read(piece); count >= 0; count = channel.read(piece)) {
                digest.update(piece.flip());
                piece.clear();
                progress.add(count);
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        return digest.digest();
    }

    private static ConfigException unreadable(Path file, IOException e) {
        return new ConfigException(file + " can't be read: " + e, e);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
