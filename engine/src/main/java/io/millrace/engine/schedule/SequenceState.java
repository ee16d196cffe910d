package io.millrace.engine.schedule;

/** Where a sequence is. */
public enum SequenceState {
    /** Holds no pages: new, or preempted. */
    WAITING,
    /** Holds pages and takes part in steps. */
    RUNNING,
    /** Over: holds no pages, gives no more events. */
    FINISHED
}
