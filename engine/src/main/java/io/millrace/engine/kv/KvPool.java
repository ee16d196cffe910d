package io.millrace.engine.kv;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Pages of one model's KV cache, shared by all sequences of a rank. Thread: the engine loop only.
 *
 * <p>Invariant: every page is free, or its reference count is the number of block tables that hold it; {@link #check} proves it
 * against the tables.
 */
public final class KvPool {
    private final int pageTokens;
    private final int[] references;
    private final BitSet free;
    private int numFree;

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

    /** Returns the free pages. */
    public int numFree() {
        return numFree;
    }

    /** Returns the pages that {@code numTokens} tokens need. */
    public int pagesFor(int numTokens) {
        return (int) (((long) numTokens + pageTokens - 1) / pageTokens);
    }

    /** Returns whether {@link #take} of {@code count} pages would succeed. */
    public boolean canTake(int count) {
        return count <= numFree;
    }

    /**
     * Takes the free page of the lowest index, with one reference.
     *
     * @throws IllegalStateException if none is free: ask {@link #canTake} first
     */
    public int take() {
        if (numFree == 0) {
            throw new IllegalStateException("none of " + references.length + " pages is free");
        }
        int page = free.nextSetBit(0);
        free.clear(page);
        numFree--;
        references[page] = 1;
        return page;
    }

    /** Drops one reference; the page is free when none is left. */
    public void release(int page) {
        if (references[page] < 1) {
            throw new IllegalStateException("page " + page + " is released but nobody holds it");
        }
        if (--references[page] == 0) {
            free.set(page);
            numFree++;
        }
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
            if (held[p] != references[p] || free.get(p) != (held[p] == 0)) {
                throw new IllegalStateException("page " + p + " is held by " + held[p] + " block tables, counted "
                        + references[p] + " times, and " + (free.get(p) ? "free" : "not free"));
            }
        }
        int counted = (int) Arrays.stream(references).filter(r -> r == 0).count();
        if (counted != numFree) {
            throw new IllegalStateException(counted + " pages are free but " + numFree + " are counted");
        }
    }
}
