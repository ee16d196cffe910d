package io.millrace.job;

import static io.millrace.job.JobOption.Group.ENGINE;
import static io.millrace.job.JobOption.Group.KAFKA;
import static io.millrace.job.JobOption.Group.REQUESTS;

import io.millrace.operators.CancelSource;
import io.millrace.operators.ServingSettings;
import java.time.Duration;
import java.util.List;

/** Options of how requests are served beside each other: partials, cancels, owners of cached prefixes, refusals, bounds of programs. Immutable. */
public final class ServiceOptions {
    public static final JobOption<String> PARTIALS_TOPIC = JobOption.text(
            "partials-topic",
            KAFKA,
            "llm.completions.partial",
            "topic",
            "Topic of partial completions for requests with stream: true; empty or missing = none.");
    public static final JobOption<String> CONTROL_TOPIC = JobOption.text(
            "control-topic",
            KAFKA,
            "llm.control",
            "topic",
            "Topic of cancels, key = the request's id; empty or missing = none are read.");
    public static final JobOption<Duration> PARTIAL_INTERVAL = JobOption.duration(
            "partial-interval",
            REQUESTS,
            "200 ms",
            Duration.ZERO,
            "Time between two partials of one choice at least; 0 ms = one for every new text.");
    public static final JobOption<String> PREFIX_CACHE_SALT = JobOption.choice(
            "prefix-cache-salt",
            ENGINE,
            "Who shares cached prefixes: everybody, or the requests of one tenant only; same answers.",
            "none",
            "tenant");
    public static final JobOption<Integer> MAX_WAITING_REQUESTS = JobOption.integer(
            "max-waiting-requests",
            ENGINE,
            "0",
            "requests",
            0,
            1 << 24,
            "Requests (each of their samples) that wait in the engine at most; further ones are dead letters, retriable. 0 = they wait.");
    public static final JobOption<Integer> MAX_WAITING_TOKENS = JobOption.integer(
            "max-waiting-tokens",
            ENGINE,
            "0",
            "tokens",
            0,
            Integer.MAX_VALUE,
            "Prompt tokens that wait in the engine at most; further requests are dead letters, retriable. 0 = they wait.");

    public static final JobOption<Integer> MAX_PROGRAM_STEPS = JobOption.integer(
            "max-program-steps",
            REQUESTS,
            String.valueOf(ServingSettings.DEFAULT_PROGRAM_STEPS),
            "steps",
            1,
            1 << 16,
            "Steps of a program at most, with its rounds and branches unrolled and each choice counted; larger ones are dead letters.");
    public static final JobOption<Integer> MAX_PROGRAM_TOKENS = JobOption.integer(
            "max-program-tokens",
            REQUESTS,
            String.valueOf(ServingSettings.DEFAULT_PROGRAM_TOKENS),
            "tokens",
            1,
            Integer.MAX_VALUE,
            "Tokens that the gens of a program may make together, by their max_tokens; larger ones are dead letters.");

    /** All of them, in the order of help texts. */
    static final List<JobOption<?>> LIST = List.of(
            PARTIALS_TOPIC,
            CONTROL_TOPIC,
            PARTIAL_INTERVAL,
            PREFIX_CACHE_SALT,
            MAX_WAITING_REQUESTS,
            MAX_WAITING_TOKENS,
            MAX_PROGRAM_STEPS,
            MAX_PROGRAM_TOKENS);

    private ServiceOptions() {}

    /** Returns the settings of a job between files, where nobody looks on and nobody cancels. */
    static ServingSettings ofFiles(JobOptions options) {
        return settings(options, -1, CancelSource.NONE);
    }

    /** Returns the settings of a job between topics. */
    static ServingSettings ofTopics(JobOptions options) {
        String controlTopic = options.find(CONTROL_TOPIC);
        return settings(
                options,
                options.find(PARTIALS_TOPIC) == null
                        ? -1
                        : options.get(PARTIAL_INTERVAL).toMillis(),
                controlTopic == null ? CancelSource.NONE : new KafkaCancels(options.kafkaProperties(), controlTopic));
    }

    private static ServingSettings settings(JobOptions options, long partialIntervalMillis, CancelSource cancels) {
        return new ServingSettings(
                options.get(PREFIX_CACHE_SALT).equals("tenant"),
                options.get(MAX_WAITING_REQUESTS),
                options.get(MAX_WAITING_TOKENS),
                partialIntervalMillis,
                cancels,
                options.get(RecoveryOptions.STEP_TIMEOUT),
                options.get(MAX_PROGRAM_STEPS),
                options.get(MAX_PROGRAM_TOKENS));
    }
}
