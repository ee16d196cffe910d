package io.millrace.schemas;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.util.Locale;
import org.apache.avro.Schema;

/**
 * Walks Avro's binary form of a schema before Avro reads it: every length, count and index is compared with the bytes
 * that are left, texts are UTF-8, doubles are finite, and nothing trails. After it Avro's reader can't fail, and allocates
 * in proportion to the bytes. One thread, one use.
 *
 * <p>Schemas must not be recursive and every array's item must take at least one byte; ours are so.
 */
final class AvroCheck {
    private static final int MAX_INT_BYTES = 5;

    private static final int MAX_PATH = 16;

    private final byte[] bytes;
    private final ByteBuffer in;
    private final CharsetDecoder decoder = WireText.strictDecoder();
    private final CharBuffer scratch = CharBuffer.allocate(256);
    /** Path to what is being read: names of fields, and indices of items where the name is empty. */
    private final String[] names = new String[MAX_PATH];

    private final int[] indices = new int[MAX_PATH];
    private int depth;
    private int pos;

    private AvroCheck(byte[] bytes, int pos) {
        this.bytes = bytes;
        this.in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.pos = pos;
    }

    /**
     * Checks one value.
     *
     * @param bytes [bytes]
     * @param from where the value begins; it must end with the bytes
     * @throws WireException at the first byte that can't be part of it
     */
    static void check(Schema schema, byte[] bytes, int from) throws WireException {
        AvroCheck check = new AvroCheck(bytes, from);
        check.value(schema);
        if (check.pos != bytes.length) {
            throw new WireException("", check.pos, (bytes.length - check.pos) + " bytes trail the record");
        }
    }

    private void value(Schema schema) throws WireException {
        switch (schema.getType()) {
            case NULL -> {}
            case BOOLEAN -> bool();
            case INT -> int32();
            case LONG -> int64();
            case FLOAT -> take(Float.BYTES);
            case DOUBLE -> float64();
            case BYTES -> take(length());
            case STRING -> text();
            case RECORD -> record(schema);
            case ARRAY -> blocks(schema.getElementType(), false);
            case MAP -> blocks(schema.getValueType(), true);
            case UNION -> union(schema);
            default -> throw new IllegalStateException("no check for Avro type " + schema.getType() + ": add it here");
        }
    }

    private void record(Schema schema) throws WireException {
        for (Schema.Field field : schema.getFields()) {
            names[depth++] = field.name();
            value(field.schema());
            depth--;
        }
    }

    private void union(Schema schema) throws WireException {
        int index = int32();
        if (index < 0 || index >= schema.getTypes().size()) {
            throw error("union branch " + index + " isn't one of "
                    + schema.getTypes().size());
        }
        value(schema.getTypes().get(index));
    }

    /** Arrays and maps: blocks of a count, for a negative one also its bytes, and the items; an empty block ends it. */
    private void blocks(Schema item, boolean isMap) throws WireException {
        names[depth] = "";
        indices[depth++] = 0;
        for (long count = int64(); count != 0; count = int64()) {
            int end = -1;
            if (count < 0) {
                count = count == Long.MIN_VALUE ? Long.MAX_VALUE : -count;
                end = length() + pos;
            }
            if (count > bytes.length - pos) {
                throw error(String.format(
                        Locale.ROOT, "a block of %,d items, but %,d bytes are left", count, bytes.length - pos));
            }
            for (long i = 0; i < count; i++) {
                if (isMap) {
                    text();
                }
                value(item);
                indices[depth - 1]++;
            }
            if (end >= 0 && end != pos) {
                throw error("a block ends here but was announced to end at byte " + end);
            }
        }
        depth--;
    }

    private void bool() throws WireException {
        byte b = bytes[take(1)];
        if (b != 0 && b != 1) {
            throw error(b + " is no boolean");
        }
    }

    private void float64() throws WireException {
        int at = take(Double.BYTES);
        double value = in.limit(pos).getDouble(at);
        if (!Double.isFinite(value)) {
            throw error(value + " is not finite");
        }
    }

    private void text() throws WireException {
        int at = take(length());
        in.limit(pos).position(at);
        decoder.reset();
        CoderResult result;
        do {
            scratch.clear();
            result = decoder.decode(in, scratch, true);
        } while (result.isOverflow());
        if (result.isError()) {
            throw WireText.notUtf8(path(), bytes, in.position());
        }
    }

    private int length() throws WireException {
        long length = int64();
        if (length < 0 || length > bytes.length - pos) {
            throw error(
                    String.format(Locale.ROOT, "a length of %,d, but %,d bytes are left", length, bytes.length - pos));
        }
        return (int) length;
    }

    private int int32() throws WireException {
        int start = pos;
        long value = int64();
        if (value != (int) value) {
            throw error(value + " is beyond 32 bits");
        }
        if (pos - start > MAX_INT_BYTES) { // zeros on top, which Avro's reader refuses
            throw error(value + " is written in " + (pos - start) + " bytes, but 32 bits take " + MAX_INT_BYTES
                    + " at most");
        }
        return (int) value;
    }

    /** Zig-zag, seven bits a byte, lowest first. */
    private long int64() throws WireException {
        long raw = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte b = bytes[take(1)];
            raw |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                if (shift == 63 && b > 1) {
                    break;
                }
                return (raw >>> 1) ^ -(raw & 1);
            }
        }
        throw error("a number of more than 64 bits");
    }

    /** Returns where the next bytes begin, and goes behind them. */
    private int take(int count) throws WireException {
        if (count > bytes.length - pos) {
            throw error("ends early: " + count + " bytes wanted, " + (bytes.length - pos) + " left");
        }
        int at = pos;
        pos += count;
        return at;
    }

    private WireException error(String reason) {
        return new WireException(path(), pos, reason);
    }

    private String path() {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < depth; i++) {
            if (names[i].isEmpty()) {
                out.append('[').append(indices[i]).append(']');
            } else {
                out.append(i == 0 ? "" : ".").append(names[i]);
            }
        }
        return out.toString();
    }
}
