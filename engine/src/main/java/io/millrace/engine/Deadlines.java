package io.millrace.engine;

import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The live requests that have a deadline, next one first. Thread: the engine loop only. */
final class Deadlines {
    /** Nanos are compared by their difference: {@link System#nanoTime} may be negative and wrap. */
    private final TreeSet<LiveRequest> byTime = new TreeSet<>((a, b) -> {
        int byNanos = Long.compare(nanos(a) - nanos(b), 0);
        return byNanos != 0 ? byNanos : Long.compare(a.number, b.number);
    });

    void add(LiveRequest entry) {
        if (entry.request.terms().deadlineNanos() != null) {
            byTime.add(entry);
        }
    }

    void remove(LiveRequest entry) {
        if (entry.request.terms().deadlineNanos() != null) {
            byTime.remove(entry);
        }
    }

    /** Takes out and returns a request whose deadline has come, null if there is none. */
    @Nullable
    LiveRequest pollOverdue(long nowNanos) {
        if (byTime.isEmpty() || nanos(byTime.first()) - nowNanos > 0) {
            return null;
        }
        return byTime.pollFirst();
    }

    private static long nanos(LiveRequest entry) {
        Long nanos = entry.request.terms().deadlineNanos();
        if (nanos == null) {
            throw new IllegalStateException("request " + entry.request.id() + " has no deadline");
        }
        return nanos;
    }
}
