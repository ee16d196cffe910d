package io.millrace.engine;

import org.jspecify.annotations.Nullable;

/**
 * How a request is served beside others. None of it changes its tokens.
 *
 * @param priority lower is earlier
 * @param tenant whose tokens it counts as: those who wait with one priority get equal shares; "" = nobody's
 * @param cacheSalt shares cached prefixes with requests of the same salt only; null = with all that have none
 * @param deadlineNanos {@link System#nanoTime} at which it ends with the text so far; null = never
 */
public record ServiceTerms(
        int priority,
        String tenant,
        @Nullable String cacheSalt,
        @Nullable Long deadlineNanos) {
    /** Nobody's, without a deadline. */
    public static ServiceTerms ofPriority(int priority) {
        return new ServiceTerms(priority, "", null, null);
    }

    /** Returns the same terms with a deadline. */
    public ServiceTerms until(long nanos) {
        return new ServiceTerms(priority, tenant, cacheSalt, nanos);
    }
}
