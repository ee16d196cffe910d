package io.millrace.engine;

/** Wrong configuration or model folder: refuses to start. The message is one line and says what, where and the way out. */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes one. */
    public ConfigException(String message) {
        super(message);
    }

    /** Makes one with its cause. */
    public ConfigException(String message, Throwable cause) {
        super(message, cause);
    }
}
