package io.millrace.operators;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** Watermarks that wait for the requests that came before them. Thread: the mailbox. */
final class WatermarkGate {
    private record Held(long timestamp, long nextSequence) {}

    private final ArrayDeque<Held> held = new ArrayDeque<>();

    /** Holds a watermark until every request before {@code nextSequence} is done. */
    void hold(long timestamp, long nextSequence) {
        Held last = held.peekLast();
        if (last != null && last.nextSequence == nextSequence) {
            held.removeLast(); // no request in between: the newer one says it all
        }
        held.addLast(new Held(timestamp, nextSequence));
    }

    /** Takes the newest watermark that need not wait any longer, or null. */
    @Nullable
    Long release(long oldestSequence) {
        Long released = null;
        while (!held.isEmpty() && held.getFirst().nextSequence <= oldestSequence) {
            released = held.removeFirst().timestamp;
        }
        return released;
    }
}
