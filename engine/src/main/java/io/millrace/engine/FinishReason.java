package io.millrace.engine;

/** Why a sample ended. */
public enum FinishReason {
    /** End-of-sequence token, stop id or stop string. */
    STOP("stop"),
    /** {@code max_tokens} or the context is full. */
    LENGTH("length"),
    /** {@code deadline_ms} passed. */
    DEADLINE("deadline"),
    /** Cancelled by its sender. */
    CANCELLED("cancelled");

    private final String wireName;

    FinishReason(String wireName) {
        this.wireName = wireName;
    }

    /** Returns the name in completions. */
    public String wireName() {
        return wireName;
    }
}
