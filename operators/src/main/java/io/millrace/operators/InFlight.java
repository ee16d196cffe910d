package io.millrace.operators;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The requests of one subtask in order of arrival, restored ones first. Thread: the mailbox. */
final class InFlight {
    private final Map<Long, InFlightRequest> bySequence = new LinkedHashMap<>();
    private long nextSequence;
    private long valueBytes;

    void add(InFlightRequest request) {
        request.sequence = nextSequence++;
        bySequence.put(request.sequence, request);
        valueBytes += request.valueBytes();
    }

    void remove(InFlightRequest request) {
        if (bySequence.remove(request.sequence, request)) {
            valueBytes -= request.valueBytes();
        }
    }

    boolean contains(InFlightRequest request) {
        return bySequence.get(request.sequence) == request;
    }

    /** Returns whether another request would exceed a bound; false when empty, so that one is always let in. */
    boolean isFull(int maxRequests, long maxBytes) {
        return !bySequence.isEmpty() && (bySequence.size() >= maxRequests || valueBytes >= maxBytes);
    }

    boolean isEmpty() {
        return bySequence.isEmpty();
    }

    int numRequests() {
        return bySequence.size();
    }

    long valueBytes() {
        return valueBytes;
    }

    /** Returns the sequence number that the next request will get. */
    long nextSequence() {
        return nextSequence;
    }

    /** Returns the sequence number of the oldest request, or {@link #nextSequence} if there is none. */
    long oldestSequence() {
        return bySequence.isEmpty()
                ? nextSequence
                : bySequence.keySet().iterator().next();
    }

    /** Returns the requests in order of arrival. */
    Collection<InFlightRequest> requests() {
        return Collections.unmodifiableCollection(bySequence.values());
    }
}
