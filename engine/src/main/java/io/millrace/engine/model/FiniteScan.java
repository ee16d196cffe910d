package io.millrace.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/** Looks for numbers that no healthy checkpoint holds. Any thread. */
final class FiniteScan {
    private static final long LOW_BITS = 0x7F7F7F7F7F7F7F7FL;

    private static final Set<String> DTYPES = Set.of("F8_E4M3", "BF16", "F32");

    private FiniteScan() {}

    static boolean knows(String dtype) {
        return DTYPES.contains(dtype);
    }

    /**
     * Returns the index of the first NaN or infinity, −1 if there is none.
     *
     * @param dtype F8_E4M3, BF16 or F32
     * @param data little-endian numbers from the position to the limit; not consumed
     */
    static long firstBad(String dtype, ByteBuffer data) {
        ByteBuffer in = data.slice().order(ByteOrder.LITTLE_ENDIAN);
        return switch (dtype) {
            case "F8_E4M3" -> firstBadE4m3(in);
            case "BF16" -> firstBadBf16(in);
            case "F32" -> firstBadF32(in);
            default -> throw new IllegalArgumentException(dtype);
        };
    }

    /** A NaN is 0x7F or 0xFF; eight codes at a time: adding 0x7F to (code ^ 0x7F) sets the top bit unless the sum's term is 0. */
    private static long firstBadE4m3(ByteBuffer in) {
        int i = 0;
        for (; i + 8 <= in.limit(); i += 8) {
            long distance = (in.getLong(i) & LOW_BITS) ^ LOW_BITS;
            if ((distance + LOW_BITS & ~LOW_BITS) != ~LOW_BITS) {
                break;
            }
        }
        for (; i < in.limit(); i++) {
            if ((in.get(i) & 0x7F) == 0x7F) {
                return i;
            }
        }
        return -1;
    }

    private static long firstBadBf16(ByteBuffer in) {
        for (int i = 0; i + 2 <= in.limit(); i += 2) {
            if ((in.getShort(i) & 0x7F80) == 0x7F80) {
                return i / 2;
            }
        }
        return -1;
    }

    private static long firstBadF32(ByteBuffer in) {
        for (int i = 0; i + 4 <= in.limit(); i += 4) {
            if ((in.getInt(i) & 0x7F800000) == 0x7F800000) {
                return i / 4;
            }
        }
        return -1;
    }
}
