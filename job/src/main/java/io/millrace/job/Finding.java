package io.millrace.job;

import io.millrace.engine.ConfigException;
import org.jspecify.annotations.Nullable;

/**
 * What one check found: one line.
 *
 * @param check its name
 * @param verdict whether the job may start
 * @param text the value, the limit it was held against, and the way out if there must be one
 * @param failure what a job that starts throws, null unless it failed
 */
public record Finding(
        String check,
        Verdict verdict,
        String text,
        @Nullable ConfigException failure) {
    /** What a finding leads to. */
    public enum Verdict {
        /** As it should be. */
        OK,
        /** The job runs, with the loss that the line names. */
        WARNING,
        /** The job refuses to start. */
        FAILED
    }

    static Finding ok(String check, String text) {
        return new Finding(check, Verdict.OK, text, null);
    }

    static Finding warning(String check, String text) {
        return new Finding(check, Verdict.WARNING, text, null);
    }

    static Finding failed(String check, ConfigException e) {
        return new Finding(check, Verdict.FAILED, String.valueOf(e.getMessage()), e);
    }
}
