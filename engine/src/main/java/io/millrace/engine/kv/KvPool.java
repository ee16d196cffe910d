package io.millrace.engine.kv;

import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.function.IntConsumer;

/**
 * Pages of one model's KV cache, shared by all sequences of a rank. Thread: the engine loop only.
 *
 * <p>Invariant: a page's reference count is the number of block tables that hold it, and a page is free if and only if no table
 * holds it and it isn't cached; {@link #check} proves it against the tables. A cached page that no table holds is idle: when
 * nothing is free, the one that became idle first is given away. Tables let go of their last page first, so of a chain of idle
 * pages the last one goes first, too.
 */
public final class KvPool {
    private final int pageTokens;
    private final int[] references;
    private final BitSet free;
    private int numFree;
    private final BitSet cached;
    private final LinkedHashSet<Integer> idle = new LinkedHashSet<>();
    private IntConsumer evictionListener = page -> {};

    /**
     * Makes a pool of free pages.
     *
     * @param numPages pages, ≥ 1
     * @param pageTokens tokens of a page, ≥ 1
     */
    public KvPool(int numPages, int pageTokens) {
        if (numPages < 1 || pageTokens < 1) {
            throw new IllegalArgumentException("a pool of " + numPages + " pages of " + pageTokens + " tokens");
        }
        this.pageTokens = pageTokens;
        references = new int[numPages];
        free = new BitSet(numPages);
        cached = new BitSet(numPages);
        free.set(0, numPages);
        numFree = numPages;
    }

    /** Returns the tokens of a page. */
    public int pageTokens() {
        return pageTokens;
    }

    /** Returns all pages, free or not. */
    public int numPages() {
        return references.length;
    }

    /** Returns the pages that nobody holds and that aren't cached. */
    public int numFree() {
        return numFree;
    }

    /** Returns the pages that {@link #take} can give: the free ones and the idle ones. */
    public int numAvailable() {
        return numFree + idle.size();
    }

    /** Returns the pages that {@code numTokens} tokens need. */
    public int pagesFor(int numTokens) {
        return (int) (((long) numTokens + pageTokens - 1) / pageTokens);
    }

    /** Returns whether {@link #take} of {@code count} pages would succeed. */
    public boolean canTake(int count) {
        return count <= numAvailable();
    }

    /** Names who hears of each cached page that is given away, before its new owner writes to it. */
    void onEviction(IntConsumer listener) {
        evictionListener = listener;
    }

    /**
     * Takes the free page of the lowest index, else the page that has been idle longest, with one reference.
     *
     * @throws IllegalStateException if there is none: ask {@link #canTake} first
     */
    public int take() {
        int page = numFree > 0 ? takeFree() : evict();
        references[page] = 1;
        return page;
    }

    private int takeFree() {
        int page = free.nextSetBit(0);
        free.clear(page);
        numFree--;
        return page;
    }

    private int evict() {
        Iterator<Integer> longest = idle.iterator();
        if (!longest.hasNext()) {
            throw new IllegalStateException("none of " + references.length + " pages is free");
        }
        int page = longest.next();
        longest.remove();
        cached.clear(page);
        evictionListener.accept(page);
        return page;
    }

    /** Adds a reference to a page that is held or cached. */
    void share(int page) {
        if (references[page] == 0 && !idle.remove(page)) {
            throw new IllegalStateException("page " + page + " is shared but neither held nor cached");
        }
        references[page]++;
    }

    /** Keeps a held page as cached from now on, until it is evicted. */
    void keep(int page) {
        if (references[page] < 1 || cached.get(page)) {
            throw new IllegalStateException("page " + page + " is to be cached but is "
                    + (cached.get(page) ? "cached already" : "held by nobody"));
        }
        cached.set(page);
    }

    /** Drops one reference; when none is left, the page is idle if it is cached, else free. */
    public void release(int page) {
        if (references[page] < 1) {
            throw new IllegalStateException("page " + page + " is released but nobody holds it");
        }
        if (--references[page] > 0) {
            return;
        }
        if (cached.get(page)) {
            idle.add(page);
        } else {
            free.set(page);
            numFree++;
        }
    }

    /** Returns the cached pages. */
    int numCached() {
        return cached.cardinality();
    }

    /**
     * Proves the invariant.
     *
     * @param tables every block table that holds pages of this pool
     * @throws IllegalStateException naming the first page whose count is wrong
     */
    public void check(Iterable<BlockTable> tables) {
        int[] held = new int[references.length];
        for (BlockTable t : tables) {
            for (int i = 0; i < t.numPages(); i++) {
                held[t.page(i)]++;
            }
        }
        for (int p = 0; p < held.length; p++) {
            boolean mayBeFree = held[p] == 0 && !cached.get(p);
            boolean mayBeIdle = held[p] == 0 && cached.get(p);
            if (held[p] != references[p] || free.get(p) != mayBeFree || idle.contains(p) != mayBeIdle) {
                throw new IllegalStateException("page " + p + " is held by " + held[p] + " block tables, counted "
                        + references[p] + " times, " + (cached.get(p) ? "cached" : "not cached") + ", "
                        + (idle.contains(p) ? "idle" : "not idle") + ", and " + (free.get(p) ? "free" : "not free"));
            }
        }
        if (free.cardinality() != numFree) {
            throw new IllegalStateException(free.cardinality() + " pages are free but " + numFree + " are counted");
        }
    }
}
