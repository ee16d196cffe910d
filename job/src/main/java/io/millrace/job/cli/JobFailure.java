package io.millrace.job.cli;

import io.millrace.engine.ConfigException;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.jspecify.annotations.Nullable;

/** Why a job ended, without Flink's wrapping. */
final class JobFailure {
    private JobFailure() {}

    /**
     * Returns if the job finished.
     *
     * @throws ConfigException if the job refused to start
     * @throws IllegalStateException if it failed otherwise
     */
    static void check(JobResult result) {
        if (result.isSuccess()) {
            return;
        }
        Throwable cause = result.getSerializedThrowable()
                .map(t -> t.deserializeError(JobFailure.class.getClassLoader()))
                .orElse(null);
        if (cause == null) {
            throw new IllegalStateException(
                    "the job ended: " + result.getJobStatus().map(Enum::name).orElse("for an unknown reason"));
        }
        throw of(cause);
    }

    /** Returns the root of a failure as what a command throws. */
    static RuntimeException of(Throwable failure) {
        Throwable root = failure;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof ConfigException c) {
                return c;
            }
            root = t;
        }
        @Nullable String message = root.getMessage();
        return new IllegalStateException("the job failed: " + (message == null ? root.toString() : message), failure);
    }
}
