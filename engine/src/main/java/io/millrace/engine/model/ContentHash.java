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
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** SHA-256 over files: each one's name, size and own SHA-256, in the order of the names. Files are read in parallel, in pieces. */
final class ContentHash {
    private static final int PIECE_BYTES = 1 << 20;

    private ContentHash() {}

    /**
     * Returns the hash in hex.
     *
     * @param files name → file
     */
    static String of(SortedMap<String, Path> files, ProgressListener listener) {
        SortedMap<String, Long> sizes = new TreeMap<>();
        files.forEach((fileName, file) -> sizes.put(fileName, sizeOf(file)));
        ByteProgress progress = new ByteProgress(
                sizes.values().stream().mapToLong(Long::longValue).sum(), listener);
        List<Callable<byte[]>> tasks = new ArrayList<>();
        files.values().forEach(file -> tasks.add(() -> digest(file, progress)));
        List<byte[]> digests = LoaderThreads.all(tasks);
        MessageDigest whole = sha256();
        int i = 0;
        for (String fileName : files.keySet()) {
            byte[] utf8 = fileName.getBytes(StandardCharsets.UTF_8);
            whole.update(ByteBuffer.allocate(4).putInt(utf8.length).flip());
            whole.update(utf8);
            whole.update(ByteBuffer.allocate(8)
                    .putLong(sizes.getOrDefault(fileName, 0L))
                    .flip());
            whole.update(digests.get(i++));
        }
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
