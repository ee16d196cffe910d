package io.millrace.operators;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A record as it lies on a topic or in a file: bytes, not yet understood. A Flink POJO: public fields, no generic types. Never
 * changed after it was made.
 */
public final class WireRecord {
    /** Topic, or file name. */
    public String topic = "";
    /** Partition; −1 for a file. */
    public int partition = -1;
    /** Offset in the partition; for a file the line number, from 1. */
    public long offset;
    /** Milliseconds since the epoch; −1 if unknown. */
    public long timestamp = -1;
    /** Key, or null. */
    public byte @Nullable [] key;
    /** Value, or null (a tombstone). */
    public byte @Nullable [] value;
    /** Bytes of the whole value where {@link #value} holds only its beginning (file lines above the limit); else −1. */
    public long fullBytes = -1;
    /** Headers in order. */
    public List<Header> headers = new ArrayList<>();

    /** One header. */
    public static final class Header {
        /** Name. */
        public String name = "";
        /** Value, or null. */
        public byte @Nullable [] value;

        /** For Flink. */
        public Header() {}

        /** Makes one. */
        public Header(String name, byte @Nullable [] value) {
            this.name = name;
            this.value = value;
        }
    }

    /** Returns a record with the same fields; the arrays are shared, the list isn't. For keeping a record that Flink may reuse. */
    public WireRecord copy() {
        WireRecord copy = new WireRecord();
        copy.topic = topic;
        copy.partition = partition;
        copy.offset = offset;
        copy.timestamp = timestamp;
        copy.key = key;
        copy.value = value;
        copy.fullBytes = fullBytes;
        copy.headers = new ArrayList<>(headers);
        return copy;
    }

    /** Returns the last header of that name, the one that counts, or null. */
    public @Nullable Header header(String name) {
        for (int i = headers.size() - 1; i >= 0; i--) {
            if (headers.get(i).name.equals(name)) {
                return headers.get(i);
            }
        }
        return null;
    }

    /** Returns {@code topic-partition-offset}, or {@code file:line}. */
    public String source() {
        return partition < 0 ? topic + ":" + offset : topic + "-" + partition + "-" + offset;
    }
}
