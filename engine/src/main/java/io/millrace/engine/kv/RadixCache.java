package io.millrace.engine.kv;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Full pages by the tokens that led to them, so that who begins with the same tokens needn't compute them again. A page is offered
 * after the step that filled it, is shared by reference, is never written again, and stays until the pool gives it away. Thread:
 * the engine loop only.
 *
 * <p>The entries are a tree: one whose key chains to another's has that one as its parent. Whoever holds an entry's page holds its
 * parents' as well, so the pool, which evicts by age, takes leaves before what they hang on.
 */
public final class RadixCache {
    private final KvPool pool;
    private final byte[] salt;
    private final Map<PageKey, Entry> entries = new HashMap<>();
    private final @Nullable Entry[] entryOfPage;

    /** One cached page. */
    private static final class Entry {
        final PageKey key;
        final @Nullable Entry parent;
        final int page;
        /** [pageTokens] ids, compared on a hit: a hash alone is no proof. */
        final int[] tokens;

        Entry(PageKey key, @Nullable Entry parent, int page, int[] tokens) {
            this.key = key;
            this.parent = parent;
            this.page = page;
            this.tokens = tokens;
        }

        boolean holds(@Nullable Entry wantedParent, int[] ids, int from) {
            return parent == wantedParent && Arrays.equals(tokens, 0, tokens.length, ids, from, from + tokens.length);
        }
    }

    /**
     * Makes an empty cache.
     *
     * @param pool whose pages it keeps; one cache per pool
     * @param salt what tells apart caches whose pages aren't interchangeable: the model's hash
     */
    public RadixCache(KvPool pool, byte[] salt) {
        this.pool = pool;
        this.salt = salt.clone();
        entryOfPage = new Entry[pool.numPages()];
        pool.onEviction(this::forget);
    }

    /**
     * Takes the longest known prefix into an empty table. The last token is left out even if it is known: its logits are wanted.
     *
     * @param tokens ids of a sequence
     * @param numTokens how many of them count
     * @param owner whose pages count: those offered with the same one; null = nobody's
     * @param keys keys of the sequence's first full pages, as far as known; completed here
     * @return tokens found, a multiple of a page's
     */
    public int share(int[] tokens, int numTokens, @Nullable String owner, List<PageKey> keys, BlockTable into) {
        complete(keys, owner, tokens, numTokens);
        int pageTokens = pool.pageTokens();
        Entry parent = null;
        for (int i = 0; (i + 1) * pageTokens < numTokens; i++) {
            Entry e = entries.get(keys.get(i));
            if (e == null || !e.holds(parent, tokens, i * pageTokens)) {
                break;
            }
            into.appendCached(e.page);
            parent = e;
        }
        return into.numPages() * pageTokens;
    }

    /**
     * Offers the pages that a sequence has filled. If the cache has the same tokens already, the table changes to the cached page
     * (same tokens, same bits) and its own one is released.
     *
     * @param tokens ids of a sequence
     * @param numComputed how many of them are in the KV cache
     * @param owner see {@link #share}
     * @param keys see {@link #share}
     * @param table the sequence's
     */
    public void offer(int[] tokens, int numComputed, @Nullable String owner, List<PageKey> keys, BlockTable table) {
        int pageTokens = pool.pageTokens();
        int i = table.numCached();
        if ((i + 1) * pageTokens > numComputed) {
            return;
        }
        complete(keys, owner, tokens, numComputed);
        Entry parent = i == 0 ? null : entryOfPage[table.page(i - 1)];
        for (; (i + 1) * pageTokens <= numComputed; i++) {
            Entry e = entries.get(keys.get(i));
            if (e == null) {
                e = enter(new Entry(
                        keys.get(i),
                        parent,
                        table.page(i),
                        Arrays.copyOfRange(tokens, i * pageTokens, (i + 1) * pageTokens)));
            } else if (!e.holds(parent, tokens, i * pageTokens)) {
                return; // other tokens of the same hash: these aren't cached
            }
            table.nextIsCachedAs(e.page);
            parent = e;
        }
    }

    /** Adds the keys of those full pages that {@code keys} lacks. */
    private void complete(List<PageKey> keys, @Nullable String owner, int[] tokens, int numTokens) {
        int pageTokens = pool.pageTokens();
        for (int i = keys.size(); (i + 1) * pageTokens <= numTokens; i++) {
            byte[] before = i == 0 ? PageKey.root(salt, owner) : keys.get(i - 1).bytes();
            keys.add(PageKey.of(before, tokens, i * pageTokens, pageTokens));
        }
    }

    private Entry enter(Entry e) {
        pool.keep(e.page);
        entries.put(e.key, e);
        entryOfPage[e.page] = e;
        return e;
    }

    private void forget(int page) {
        Entry e = Objects.requireNonNull(entryOfPage[page], "an evicted page is cached");
        entries.remove(e.key);
        entryOfPage[page] = null;
    }

    /**
     * Proves that the entries are the pool's cached pages, and that what each hangs on is still there.
     *
     * @throws IllegalStateException naming what is wrong
     */
    public void check() {
        if (entries.size() != pool.numCached()) {
            throw new IllegalStateException(
                    entries.size() + " pages have an entry but the pool has cached " + pool.numCached());
        }
        for (Entry e : entries.values()) {
            if (entryOfPage[e.page] != e) {
                throw new IllegalStateException("page " + e.page + " has another entry than the one that names it");
            }
            if (e.parent != null && entryOfPage[e.parent.page] != e.parent) {
                throw new IllegalStateException(
                        "page " + e.page + " is cached but page " + e.parent.page + " before it isn't any more");
            }
        }
    }
}
