package io.millrace.operators;

import io.millrace.engine.ConfigException;
import java.io.Serializable;

/**
 * TCP ports of which the first free one is taken.
 *
 * @param first 1 … 65535
 * @param last at least the first, ≤ 65535
 */
public record PortRange(int first, int last) implements Serializable {
    private static final int MAX_PORT = 65_535;

    /** Checks the bounds. */
    public PortRange {
        if (first < 1 || last < first || last > MAX_PORT) {
            throw new ConfigException("metrics-port is " + first + "-" + last
                    + " but must be a port or a rising range within 1 to 65535, such as 9400-9409");
        }
    }

    /**
     * Reads {@code 9400} or {@code 9400-9409}.
     *
     * @throws ConfigException if it is neither
     */
    public static PortRange parse(String text) {
        int dash = text.indexOf('-');
        try {
            int first = Integer.parseInt(dash < 0 ? text : text.substring(0, dash));
            return new PortRange(first, dash < 0 ? first : Integer.parseInt(text.substring(dash + 1)));
        } catch (NumberFormatException e) {
            throw new ConfigException(
                    "metrics-port is \"" + text + "\" but must be a port or a range, such as 9400-9409", e);
        }
    }

    @Override
    public String toString() {
        return first == last ? Integer.toString(first) : first + "-" + last;
    }
}
