package io.millrace.schemas;

/**
 * Bounds of everything that comes from outside.
 *
 * @param maxRequestBytes bytes of one record's value
 * @param maxDepth nesting of JSON
 * @param maxMessages turns of a conversation
 * @param maxIdBytes UTF-8 bytes of an id
 * @param maxMetadata entries of {@code metadata} and {@code logit_bias}, each
 */
public record WireLimits(int maxRequestBytes, int maxDepth, int maxMessages, int maxIdBytes, int maxMetadata) {
    /** The defaults. */
    public static final WireLimits DEFAULT = new WireLimits(1 << 20, 32, 4096, 256, 300);

    /** Returns the defaults with another bound on a value's bytes. */
    public static WireLimits ofRequestBytes(int maxRequestBytes) {
        return new WireLimits(
                maxRequestBytes, DEFAULT.maxDepth, DEFAULT.maxMessages, DEFAULT.maxIdBytes, DEFAULT.maxMetadata);
    }
}
