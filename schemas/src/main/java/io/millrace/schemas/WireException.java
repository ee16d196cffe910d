package io.millrace.schemas;

/** Bytes that are no valid prompt. The message names the field, the byte offset where known, and the reason. */
public final class WireException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String field;
    private final long offset;

    /**
     * Makes one.
     *
     * @param field path of the field, for instance {@code messages[2].role}; empty for the whole record
     * @param offset byte offset, −1 if unknown
     * @param reason value, limit and way out
     */
    public WireException(String field, long offset, String reason) {
        super((field.isEmpty() ? "" : field + ": ") + reason + (offset >= 0 ? " (at byte " + offset + ")" : ""));
        this.field = field;
        this.offset = offset;
    }

    /** Returns the path of the field, empty for the whole record. */
    public String field() {
        return field;
    }

    /** Returns the byte offset, −1 if unknown. */
    public long offset() {
        return offset;
    }
}
