package io.millrace.engine.schedule;

/**
 * A sequence's claim to be served.
 *
 * @param priority lower is earlier
 * @param tenant whose tokens it counts as, "" = nobody's, who is one tenant as well
 * @param arrival order of submission, unique
 */
public record Turn(int priority, String tenant, long arrival) {
    /** Orders by priority, then arrival: who is last is preempted first. */
    static int compare(Turn a, Turn b) {
        return a.priority != b.priority ? Integer.compare(a.priority, b.priority) : Long.compare(a.arrival, b.arrival);
    }
}
