package io.millrace.engine;

/** A submitted request. */
public interface Submission {
    /** Ends it at the next step with {@link FinishReason#CANCELLED}, once, if it isn't over yet. Any thread. */
    void cancel();

    /** Forgets it at the next step without any further event: its task is closing. Any thread. */
    void abandon();
}
