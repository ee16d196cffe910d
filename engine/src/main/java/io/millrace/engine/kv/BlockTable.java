package io.millrace.engine.kv;

import java.util.Arrays;

/** The pages of one sequence in the order of its positions. Thread: the engine loop only. */
public final class BlockTable {
    private final KvPool pool;
    private int[] pages = new int[4];
    private int numPages;
    private int numCached;

    /** Makes an empty table over a pool. */
    public BlockTable(KvPool pool) {
        this.pool = pool;
    }

    /** Returns the pages held. */
    public int numPages() {
        return numPages;
    }

    /** Returns the i-th page's index in the pool. */
    public int page(int i) {
        if (i >= numPages) {
            throw new IndexOutOfBoundsException("page " + i + " of a table of " + numPages);
        }
        return pages[i];
    }

    /** Returns the row of the KV tensors that holds a position. */
    public int slot(int position) {
        int pageTokens = pool.pageTokens();
        return page(position / pageTokens) * pageTokens + position % pageTokens;
    }

    /** Returns the pages still missing to hold {@code numTokens} tokens. */
    public int missingPages(int numTokens) {
        return Math.max(0, pool.pagesFor(numTokens) - numPages);
    }

    /**
     * Takes pages until {@code numTokens} tokens fit.
     *
     * @throws IllegalStateException if the pool can't give them: ask {@link KvPool#canTake} first
     */
    public void growTo(int numTokens) {
        for (int missing = missingPages(numTokens); missing > 0; missing--) {
            append(pool.take());
        }
    }

    private void append(int page) {
        if (numPages == pages.length) {
            pages = Arrays.copyOf(pages, 2 * numPages);
        }
        pages[numPages++] = page;
    }

    /** Returns how many of the first pages are the radix cache's as well: a chain of its entries. */
    int numCached() {
        return numCached;
    }

    /** Takes a cached page by reference, behind the cached ones held so far. */
    void appendCached(int page) {
        if (numCached != numPages) {
            throw new IllegalStateException("a cached page can't follow " + (numPages - numCached) + " own ones");
        }
        pool.share(page);
        append(page);
        numCached++;
    }

    /** Notes that the first own page is cached now: as {@code page}, which is another one if the cache had the same tokens. */
    void nextIsCachedAs(int page) {
        int own = page(numCached);
        if (own != page) {
            pool.share(page);
            pages[numCached] = page;
            pool.release(own);
        }
        numCached++;
    }

    /** Copies the page indices to {@code out[from …]}. */
    public void copyTo(int[] out, int from) {
        System.arraycopy(pages, 0, out, from, numPages);
    }

    /** Gives all pages back, the last one first. */
    public void releaseAll() {
        while (numPages > 0) {
            pool.release(pages[--numPages]);
        }
        numCached = 0;
    }
}
