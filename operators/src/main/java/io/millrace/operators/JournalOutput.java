package io.millrace.operators;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Growing big-endian bytes; the layout is {@link JournalSerializer}'s. One thread. */
final class JournalOutput {
    private ByteBuffer buffer = ByteBuffer.allocate(512);

    void writeBoolean(boolean v) {
        room(1).put((byte) (v ? 1 : 0));
    }

    void writeInt(int v) {
        room(Integer.BYTES).putInt(v);
    }

    void writeLong(long v) {
        room(Long.BYTES).putLong(v);
    }

    void writeDouble(double v) {
        room(Double.BYTES).putDouble(v);
    }

    void writeInts(int[] values) {
        writeInt(values.length);
        ByteBuffer out = room(Integer.BYTES * (long) values.length);
        for (int v : values) {
            out.putInt(v);
        }
    }

    void writeFloats(float[] values) {
        writeInt(values.length);
        ByteBuffer out = room(Float.BYTES * (long) values.length);
        for (float v : values) {
            out.putFloat(v);
        }
    }

    void writeNullableBytes(byte @Nullable [] bytes) {
        writeBoolean(bytes != null);
        if (bytes != null) {
            writeInt(bytes.length);
            room(bytes.length).put(bytes);
        }
    }

    void writeNullableString(@Nullable String text) {
        writeBoolean(text != null);
        if (text != null) {
            writeString(text);
        }
    }

    void writeString(String text) {
        writeInt(text.length());
        ByteBuffer out = room(3L * text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                out.put((byte) c);
            } else if (c < 0x800) {
                out.put((byte) (0xC0 | (c >> 6))).put((byte) (0x80 | (c & 0x3F)));
            } else {
                out.put((byte) (0xE0 | (c >> 12)))
                        .put((byte) (0x80 | ((c >> 6) & 0x3F)))
                        .put((byte) (0x80 | (c & 0x3F)));
            }
        }
    }

    /** Appends the checksum and returns everything. */
    byte[] finish() {
        writeInt(JournalSerializer.checksum(buffer.array(), buffer.position()));
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    private ByteBuffer room(long numBytes) {
        if (buffer.remaining() < numBytes) {
            int newBytes = Math.toIntExact(Math.max(buffer.position() + numBytes, 2L * buffer.capacity()));
            buffer = ByteBuffer.allocate(newBytes).put(buffer.flip());
        }
        return buffer;
    }
}
