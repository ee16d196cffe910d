package io.millrace.engine.structure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** A set of Unicode scalar values (code points without surrogates). Immutable; any thread. */
final class CharSet {
    /** The largest code point. */
    static final int MAX = 0x10FFFF;

    static final CharSet NONE = new CharSet(new int[0]);
    static final CharSet ANY = new CharSet(new int[] {0, 0xD7FF, 0xE000, MAX});

    /** [2 · numRanges] i32: first and last of each range, ascending, with gaps between. */
    private final int[] ranges;

    private CharSet(int[] ranges) {
        this.ranges = ranges;
    }

    static CharSet of(int codePoint) {
        return range(codePoint, codePoint);
    }

    /** Returns the scalar values from {@code first} to {@code last}. */
    static CharSet range(int first, int last) {
        return new CharSet(new int[] {first, last}).and(ANY);
    }

    static CharSet ofAll(String chars) {
        return union(chars.codePoints().mapToObj(CharSet::of).toList());
    }

    static CharSet union(List<CharSet> sets) {
        List<int[]> all = new ArrayList<>();
        for (CharSet s : sets) {
            for (int i = 0; i < s.numRanges(); i++) {
                all.add(new int[] {s.first(i), s.last(i)});
            }
        }
        all.sort(Comparator.comparingInt(r -> r[0]));
        int[] out = new int[2 * all.size()];
        int n = 0;
        for (int[] r : all) {
            if (n > 0 && r[0] <= out[n - 1] + 1) {
                out[n - 1] = Math.max(out[n - 1], r[1]);
            } else {
                out[n++] = r[0];
                out[n++] = r[1];
            }
        }
        return new CharSet(Arrays.copyOf(out, n));
    }

    CharSet or(CharSet other) {
        return union(List.of(this, other));
    }

    CharSet and(CharSet other) {
        List<CharSet> parts = new ArrayList<>();
        int i = 0;
        int j = 0;
        while (i < numRanges() && j < other.numRanges()) {
            int from = Math.max(first(i), other.first(j));
            int to = Math.min(last(i), other.last(j));
            if (from <= to) {
                parts.add(new CharSet(new int[] {from, to}));
            }
            if (last(i) < other.last(j)) {
                i++;
            } else {
                j++;
            }
        }
        return union(parts);
    }

    CharSet negate() {
        List<CharSet> gaps = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < numRanges(); i++) {
            if (first(i) > from) {
                gaps.add(new CharSet(new int[] {from, first(i) - 1}));
            }
            from = last(i) + 1;
        }
        if (from <= MAX) {
            gaps.add(new CharSet(new int[] {from, MAX}));
        }
        return union(gaps).and(ANY);
    }

    boolean isEmpty() {
        return ranges.length == 0;
    }

    boolean contains(int codePoint) {
        for (int i = 0; i < numRanges(); i++) {
            if (codePoint >= first(i) && codePoint <= last(i)) {
                return true;
            }
        }
        return false;
    }

    int numRanges() {
        return ranges.length / 2;
    }

    int first(int range) {
        return ranges[2 * range];
    }

    int last(int range) {
        return ranges[2 * range + 1];
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CharSet s && Arrays.equals(ranges, s.ranges);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ranges);
    }
}
