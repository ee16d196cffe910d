package io.millrace.engine.kv;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/**
 * A full page's place in the chain of all tokens before it: SHA-256 over the key of the page before (for the first page: the salt)
 * and the page's token ids, each as 4 bytes little-endian.
 *
 * @param a first 8 bytes of the hash, big-endian
 * @param b the next 8
 * @param c the next 8
 * @param d the last 8
 */
public record PageKey(long a, long b, long c, long d) {
    /**
     * Returns the key of a page.
     *
     * @param before the key of the page before, as bytes, or the salt
     * @param tokens ids of a sequence
     * @param from index of the page's first
     * @param pageTokens tokens of a page
     */
    static PageKey of(byte[] before, int[] tokens, int from, int pageTokens) {
        ByteBuffer ids = ByteBuffer.allocate(4 * pageTokens).order(ByteOrder.LITTLE_ENDIAN);
        ids.asIntBuffer().put(tokens, from, pageTokens);
        MessageDigest sha = sha256();
        sha.update(before);
        sha.update(ids);
        ByteBuffer hash = ByteBuffer.wrap(sha.digest());
        return new PageKey(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
    }

    /**
     * Returns what the chain of an owner begins with: the cache's salt, with an owner the SHA-256 of the salt and the owner's
     * name in UTF-8.
     */
    static byte[] root(byte[] salt, @Nullable String owner) {
        if (owner == null) {
            return salt;
        }
        MessageDigest sha = sha256();
        sha.update(salt);
        return sha.digest(owner.getBytes(StandardCharsets.UTF_8));
    }

    byte[] bytes() {
        return ByteBuffer.allocate(4 * Long.BYTES)
                .putLong(a)
                .putLong(b)
                .putLong(c)
                .putLong(d)
                .array();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
