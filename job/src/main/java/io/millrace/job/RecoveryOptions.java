package io.millrace.job;

import static io.millrace.job.JobOption.Group.KAFKA;

import java.time.Duration;
import java.util.List;

/** Options of what a job does about outages and their consequences. Immutable. */
public final class RecoveryOptions {
    public static final JobOption<Duration> LONGEST_OUTAGE = JobOption.duration(
            "longest-outage",
            KAFKA,
            "1 min",
            Duration.ZERO,
            "Outage that must lose nothing; refuses to start if transaction-timeout is too short for it.");

    /** All of them, in the order of help texts. */
    static final List<JobOption<?>> LIST = List.of(LONGEST_OUTAGE);

    private RecoveryOptions() {}
}
