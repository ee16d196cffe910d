package io.millrace.engine.structure;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Integers in decimal digits, without leading zeros. Any thread. */
final class Integers {
    /** What an integer without a bound of its own has at most: every such number is exact in 64 bits. */
    static final long MAX = 999_999_999_999_999_999L;

    private Integers() {}

    /** Returns the integers from {@code low} to {@code high}; null = up to {@link #MAX} in that direction. */
    static Expr between(@Nullable Long low, @Nullable Long high) {
        long from = low == null ? Math.min(-MAX, high == null ? 0 : high) : low;
        long to = high == null ? Math.max(MAX, low == null ? 0 : low) : high;
        List<Expr> options = new ArrayList<>();
        if (from <= to && to >= 0) {
            options.add(naturals(Math.max(0, from), to));
        }
        if (from <= to && from < 0) {
            options.add(Expr.seq(
                    Expr.text("-"), naturals(Math.max(1, -to), from == Long.MIN_VALUE ? Long.MAX_VALUE : -from)));
        }
        return new Expr.Choice(options);
    }

    /** Returns the integers from {@code from} ≥ 0 to {@code to}; none if that is less. */
    static Expr naturals(long from, long to) {
        List<Expr> options = new ArrayList<>();
        String high = Long.toString(to);
        for (int length = Long.toString(from).length(); from <= to && length <= high.length(); length++) {
            String smallest = length == 1 ? "0" : "1" + "0".repeat(length - 1);
            String largest = "9".repeat(length);
            String low = Long.toString(from);
            options.add(sameLength(low.length() == length ? low : smallest, high.length() == length ? high : largest));
        }
        return new Expr.Choice(options);
    }

    private static Expr sameLength(String low, String high) {
        if (low.isEmpty()) {
            return Expr.EMPTY;
        }
        char a = low.charAt(0);
        char b = high.charAt(0);
        int rest = low.length() - 1;
        String zeros = "0".repeat(rest);
        String nines = "9".repeat(rest);
        if (low.substring(1).equals(zeros) && high.substring(1).equals(nines)) {
            return Expr.seq(Expr.chars(a, b), new Expr.Repeat(Expr.chars('0', '9'), rest, rest));
        }
        if (a == b) {
            return Expr.seq(Expr.chars(a, a), sameLength(low.substring(1), high.substring(1)));
        }
        List<Expr> options = new ArrayList<>();
        options.add(Expr.seq(Expr.chars(a, a), sameLength(low.substring(1), nines)));
        if (a + 1 < b) {
            options.add(Expr.seq(Expr.chars(a + 1, b - 1), new Expr.Repeat(Expr.chars('0', '9'), rest, rest)));
        }
        options.add(Expr.seq(Expr.chars(b, b), sameLength(zeros, high.substring(1))));
        return new Expr.Choice(options);
    }
}
