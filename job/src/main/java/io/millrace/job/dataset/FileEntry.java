package io.millrace.job.dataset;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One file in the manifest.
 *
 * @param name relative to the output folder
 * @param rows in it
 * @param bytes its size
 * @param sha256 of its bytes, hex
 */
record FileEntry(String name, long rows, long bytes, String sha256) {
    /** Describes a file as it lies on disk. */
    static FileEntry of(Path file, long rows) throws IOException {
        return new FileEntry(String.valueOf(file.getFileName()), rows, Files.size(file), sha256(file));
    }

    private static String sha256(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
