package io.millrace.kernels;

/** The device or the engine on it is broken or missing: fails the task. The message says what, with value, limit and way out. */
public final class DeviceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Makes one. */
    public DeviceException(String message) {
        super(message);
    }

    /** Makes one with its cause. */
    public DeviceException(String message, Throwable cause) {
        super(message, cause);
    }
}
