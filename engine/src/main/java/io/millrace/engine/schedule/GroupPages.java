package io.millrace.engine.schedule;

import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import org.jspecify.annotations.Nullable;

/**
 * Where the KV of one group's sequences lies; every rank of the group has the same pages.
 *
 * @param pool must hold at least one full context
 * @param cache over the same pool; null = prompts aren't shared
 */
public record GroupPages(KvPool pool, @Nullable RadixCache cache) {
    /** Returns as many pages of the same size, all free, without a cache. */
    GroupPages emptyTwin() {
        return new GroupPages(new KvPool(pool.numPages(), pool.pageTokens()), null);
    }
}
