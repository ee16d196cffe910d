package io.millrace.operators;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Bounded reading of what {@link JournalOutput} wrote: nothing is allocated for a count that the bytes can't hold. One thread. */
final class JournalInput {
    /** The bytes can't be what was written; {@link JournalSerializer} adds which entry. */
    static final class DamagedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        DamagedException(String message) {
            super(message);
        }
    }

    private final ByteBuffer buffer;

    JournalInput(byte[] bytes, int numBytes) {
        this.buffer = ByteBuffer.wrap(bytes, 0, numBytes);
    }

    JournalInput skip(int numBytes) {
        buffer.position(buffer.position() + numBytes);
        return this;
    }

    int remaining() {
        return buffer.remaining();
    }

    boolean readBoolean() {
        byte v = need(1).get();
        if (v != 0 && v != 1) {
            throw new DamagedException("byte " + (buffer.position() - 1) + " is " + v + " instead of 0 or 1");
        }
        return v == 1;
    }

    int readInt() {
        return need(Integer.BYTES).getInt();
    }

    long readLong() {
        return need(Long.BYTES).getLong();
    }

    double readDouble() {
        return need(Double.BYTES).getDouble();
    }

    /** Reads a count of things that take at least {@code minBytes} bytes each. */
    int readCount(int minBytes) {
        int count = readInt();
        if (count < 0 || (long) count * minBytes > buffer.remaining()) {
            throw new DamagedException("count " + count + " before byte " + buffer.position() + " exceeds the "
                    + buffer.remaining() + " bytes that are left");
        }
        return count;
    }

    int[] readInts() {
        int[] values = new int[readCount(Integer.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = buffer.getInt();
        }
        return values;
    }

    float[] readFloats() {
        float[] values = new float[readCount(Float.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = buffer.getFloat();
        }
        return values;
    }

    byte @Nullable [] readNullableBytes() {
        if (!readBoolean()) {
            return null;
        }
        byte[] bytes = new byte[readCount(1)];
        buffer.get(bytes);
        return bytes;
    }

    @Nullable
    String readNullableString() {
        return readBoolean() ? readString() : null;
    }

    String readString() {
        char[] chars = new char[readCount(1)];
        for (int i = 0; i < chars.length; i++) {
            int b = need(1).get() & 0xFF;
            if (b < 0x80) {
                chars[i] = (char) b;
            } else if (b < 0xE0) {
                chars[i] = (char) (((b & 0x1F) << 6) | (need(1).get() & 0x3F));
            } else {
                int middle = need(2).get() & 0x3F;
                chars[i] = (char) (((b & 0x0F) << 12) | (middle << 6) | (buffer.get() & 0x3F));
            }
        }
        return new String(chars);
    }

    private ByteBuffer need(int numBytes) {
        if (buffer.remaining() < numBytes) {
            throw new DamagedException("it ends at byte " + buffer.limit() + " inside a field");
        }
        return buffer;
    }
}
