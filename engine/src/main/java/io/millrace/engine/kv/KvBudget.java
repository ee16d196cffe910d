package io.millrace.engine.kv;

import io.millrace.engine.ConfigException;
import java.util.Locale;

/** How many pages the KV pool gets. */
public final class KvBudget {
    /** Tokens of a page on every back end, so that cache keys are portable (FlashMLA's page on cuda). */
    public static final int PAGE_TOKENS = 64;

    private KvBudget() {}

    /**
     * Returns the number of pages.
     *
     * @param kvCacheBytes asked for; 0 = enough for {@code maxNumSeqs} full contexts, at most a quarter of {@code memoryBytes}
     * @param tokenBytes bytes of one token over all layers
     * @param maxModelLen context in tokens
     * @param maxNumSeqs sequences running together at most
     * @param memoryBytes memory of the device (cpu: of the heap)
     * @throws ConfigException if not even one full context fits
     */
    public static int numPages(long kvCacheBytes, long tokenBytes, int maxModelLen, int maxNumSeqs, long memoryBytes) {
        long pageBytes = PAGE_TOKENS * tokenBytes;
        long contextPages = (maxModelLen + PAGE_TOKENS - 1L) / PAGE_TOKENS;
        long pages = kvCacheBytes > 0
                ? kvCacheBytes / pageBytes
                : Math.min(contextPages * maxNumSeqs, memoryBytes / 4 / pageBytes);
        if (pages < contextPages) {
            throw new ConfigException(String.format(
                    Locale.ROOT,
                    "the KV pool of %,d bytes holds %,d tokens but max-model-len is %,d: raise kv-cache-bytes to %,d or lower max-model-len",
                    kvCacheBytes > 0 ? kvCacheBytes : memoryBytes / 4,
                    Math.max(0, pages) * PAGE_TOKENS,
                    maxModelLen,
                    contextPages * pageBytes));
        }
        return (int) Math.min(pages, Integer.MAX_VALUE / PAGE_TOKENS);
    }
}
