package io.millrace.job;

import static io.millrace.job.JobOption.Group.ENGINE;
import static io.millrace.job.JobOption.Group.KAFKA;

import io.millrace.engine.EngineConfig;
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
    public static final JobOption<Duration> STEP_TIMEOUT = JobOption.duration(
            "step-timeout",
            ENGINE,
            EngineConfig.STEP_TIMEOUT.toMinutes() + " min",
            Duration.ZERO,
            "An engine whose step takes longer hangs: its tasks fail and restart with another engine. 0 ms = never.");

    public static final JobOption<String> ON_LOST_COMMIT = JobOption.choice(
            "on-lost-commit",
            KAFKA,
            "When the broker has dropped answers (an outage beyond transaction-timeout): report and go on, or fail the job for good; "
                    + "\"millrace reconcile\" repairs either way.",
            "report",
            "fail");

    /** All of them, in the order of help texts. */
    static final List<JobOption<?>> LIST = List.of(LONGEST_OUTAGE, ON_LOST_COMMIT, STEP_TIMEOUT);

    private RecoveryOptions() {}
}
