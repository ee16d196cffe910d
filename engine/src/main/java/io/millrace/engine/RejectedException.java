package io.millrace.engine;

/** One request can't be answered; it goes to the dead letters, the engine goes on. */
public final class RejectedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Where a request failed; {@link #wireName} is what dead-letter headers say. */
    public enum Stage {
        DECODE("decode"),
        VALIDATE("validate"),
        TOKENIZE("tokenize"),
        PREFILL("prefill"),
        DECODE_STEP("decode-step"),
        DETOKENIZE("detokenize"),
        SINK("sink");

        private final String wireName;

        Stage(String wireName) {
            this.wireName = wireName;
        }

        /** Returns the name in headers and error files. */
        public String wireName() {
            return wireName;
        }
    }

    private final Stage stage;
    private final boolean isRetriable;

    /**
     * Makes one.
     *
     * @param stage where it failed
     * @param isRetriable whether sending the same request again may help
     * @param message value, limit and way out
     */
    public RejectedException(Stage stage, boolean isRetriable, String message) {
        super(message);
        this.stage = stage;
        this.isRetriable = isRetriable;
    }

    /** Returns where the request failed. */
    public Stage stage() {
        return stage;
    }

    /** Returns whether sending the same request again may help. */
    public boolean isRetriable() {
        return isRetriable;
    }
}
