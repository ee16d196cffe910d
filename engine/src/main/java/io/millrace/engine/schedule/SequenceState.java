package io.millrace.engine.schedule;

/** Where a sequence is. */
public enum SequenceState {
    /** Not handed to the scheduler yet. */
    NEW,
    /** Holds no pages: not begun yet, or preempted. */
    WAITING,
    /** Holds pages and takes part in steps. */
    RUNNING,
    /** Over: holds no pages, gives no more events. */
    FINISHED
}
