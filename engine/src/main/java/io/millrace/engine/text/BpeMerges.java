package io.millrace.engine.text;

import java.util.Arrays;

/**
 * The merges of a byte-level BPE: the pair of lowest rank first, the leftmost on ties, until none is left. Immutable; any thread.
 *
 * <p>A linked list of symbols and a heap of candidate pairs, so a piece of n symbols costs O(n log n) even if nothing splits it.
 */
final class BpeMerges {
    private static final int NONE = -1;

    /** Open addressing, at most half full: {@code left << 32 | right}, or −1 where free. */
    private final long[] pairs;

    private final int[] ranks;
    /** [numMerges] i32: id of the token that a merge makes, by rank. */
    private final int[] merged;

    /**
     * Takes the table; index = rank.
     *
     * @param lefts [numMerges] i32, first id of each pair
     * @param rights [numMerges] i32, second id
     * @param merged [numMerges] i32, id of the two together
     * @throws IllegalArgumentException if a pair occurs twice
     */
    BpeMerges(int[] lefts, int[] rights, int[] merged) {
        int slots = Integer.highestOneBit(Math.max(1, lefts.length)) * 4;
        pairs = new long[slots];
        ranks = new int[slots];
        Arrays.fill(pairs, NONE);
        this.merged = merged.clone();
        for (int rank = 0; rank < lefts.length; rank++) {
            long pair = pair(lefts[rank], rights[rank]);
            int slot = slotOf(pair);
            if (pairs[slot] == pair) {
                throw new IllegalArgumentException("merge " + rank + " repeats merge " + ranks[slot]);
            }
            pairs[slot] = pair;
            ranks[slot] = rank;
        }
    }

    /**
     * Returns the ids that are left after all merges.
     *
     * @param symbols [n] i32, ids of the single bytes; overwritten
     */
    int[] merge(int[] symbols) {
        int n = symbols.length;
        int[] prev = new int[n];
        int[] next = new int[n];
        Candidates candidates = new Candidates(n);
        for (int i = 0; i < n; i++) {
            prev[i] = i - 1;
            next[i] = i + 1;
        }
        for (int i = 0; i + 1 < n; i++) {
            offer(candidates, symbols, i, i + 1);
        }
        int left = n;
        while (!candidates.isEmpty()) {
            long top = candidates.poll();
            int rank = (int) (top >>> 32);
            int i = (int) top;
            int j = next[i];
            // Stale if one side has been merged away, or into something else, since the pair was offered.
            if (symbols[i] == NONE || j == n || rankOf(symbols[i], symbols[j]) != rank) {
                continue;
            }
            symbols[i] = merged[rank];
            symbols[j] = NONE;
            next[i] = next[j];
            left--;
            if (next[i] < n) {
                prev[next[i]] = i;
                offer(candidates, symbols, i, next[i]);
            }
            if (prev[i] >= 0) {
                offer(candidates, symbols, prev[i], i);
            }
        }
        int[] ids = new int[left];
        for (int i = 0, k = 0; i < n; i = next[i]) {
            ids[k++] = symbols[i];
        }
        return ids;
    }

    private void offer(Candidates candidates, int[] symbols, int i, int j) {
        int rank = rankOf(symbols[i], symbols[j]);
        if (rank != NONE) {
            candidates.add((long) rank << 32 | i);
        }
    }

    private int rankOf(int left, int right) {
        long pair = pair(left, right);
        int slot = slotOf(pair);
        return pairs[slot] == pair ? ranks[slot] : NONE;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    /** Returns the slot that holds the pair, or the free one where it belongs. */
    private int slotOf(long pair) {
        long hash = pair * 0x9E3779B97F4A7C15L; // Fibonacci hashing: the high bits depend on all bits of the pair
        int slot = (int) (hash >>> 33) & (pairs.length - 1);
        while (pairs[slot] != NONE && pairs[slot] != pair) {
            slot = (slot + 1) & (pairs.length - 1);
        }
        return slot;
    }

    /** A min-heap of longs: {@code rank << 32 | position}, so that ties go to the left. */
    private static final class Candidates {
        private long[] heap;
        private int size;

        Candidates(int capacity) {
            heap = new long[capacity + 1];
        }

        boolean isEmpty() {
            return size == 0;
        }

        void add(long value) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            int i = size++;
            while (i > 0 && heap[(i - 1) / 2] > value) {
                heap[i] = heap[(i - 1) / 2];
                i = (i - 1) / 2;
            }
            heap[i] = value;
        }

        long poll() {
            long top = heap[0];
            long value = heap[--size];
            int i = 0;
            for (int child = 1; child < size; child = 2 * i + 1) {
                if (child + 1 < size && heap[child + 1] < heap[child]) {
                    child++;
                }
                if (heap[child] >= value) {
                    break;
                }
                heap[i] = heap[child];
                i = child;
            }
            heap[i] = value;
            return top;
        }
    }
}
