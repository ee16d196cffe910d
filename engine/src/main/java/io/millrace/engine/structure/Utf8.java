package io.millrace.engine.structure;

/** Ranges of characters as ranges of bytes. Any thread. */
final class Utf8 {
    private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

    private Utf8() {}

    /** Adds the UTF-8 forms of the scalar values from {@code first} to {@code last} between two states. */
    static void add(Grammar grammar, int from, int first, int last, int to) {
        int low = first;
        for (int extra = 0; extra < LAST_OF_LENGTH.length && low <= last; extra++) {
            int high = Math.min(last, LAST_OF_LENGTH[extra]);
            if (low <= high) {
                addSameLength(grammar, from, low, high, extra, to);
                low = high + 1;
            }
        }
    }

    /** {@code extra}: continuation bytes behind the first one. */
    private static void addSameLength(Grammar grammar, int from, int low, int high, int extra, int to) {
        if (extra == 0) {
            grammar.bytes(from, low, high, to);
            return;
        }
        // Cut where the leading byte changes and the rest isn't complete.
        for (int tail = 1; tail <= extra; tail++) {
            int mask = (1 << (6 * tail)) - 1;
            if ((low & ~mask) != (high & ~mask)) {
                if ((low & mask) != 0) {
                    addSameLength(grammar, from, low, low | mask, extra, to);
                    addSameLength(grammar, from, (low | mask) + 1, high, extra, to);
                    return;
                }
                if ((high & mask) != mask) {
                    addSameLength(grammar, from, low, (high & ~mask) - 1, extra, to);
                    addSameLength(grammar, from, high & ~mask, high, extra, to);
                    return;
                }
            }
        }
        int at = from;
        for (int i = 0; i <= extra; i++) {
            int shift = 6 * (extra - i);
            int lead = i > 0 ? 0x80 : extra == 1 ? 0xC0 : extra == 2 ? 0xE0 : 0xF0;
            int bits = i > 0 ? 0x3F : 0x3F >> extra;
            int next = i == extra ? to : grammar.newState();
            grammar.bytes(at, lead | ((low >> shift) & bits), lead | ((high >> shift) & bits), next);
            at = next;
        }
    }
}
