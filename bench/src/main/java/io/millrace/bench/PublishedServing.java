package io.millrace.bench;

import java.util.List;
import java.util.Optional;

/**
 * What was published of SGLang 0.4.3 with DeepSeek-R1 on a server of 8 GPUs: for orientation, of another machine and mostly of another
 * model.
 *
 * @param users at once
 * @param inputTokens of each prompt
 * @param outputTokens of each answer
 * @param perUser tokens per second of one user
 * @param total tokens per second of all; users × {@code perUser}, but for 1,024 users, where this is what was published
 */
record PublishedServing(int users, int inputTokens, int outputTokens, double perUser, double total) {
    static final String SOURCE = "SGLang 0.4.3, DeepSeek-R1 on a server of 8 GPUs";
    static final List<PublishedServing> ALL = List.of(
            new PublishedServing(1, 100, 1000, 33.3, 33),
            new PublishedServing(16, 100, 1000, 20, 320),
            new PublishedServing(64, 100, 1000, 10.4, 666),
            new PublishedServing(1024, 1000, 1000, 3.9, 3976));

    /** Returns the figures for the same users and lengths. */
    static Optional<PublishedServing> of(Workload workload) {
        return ALL.stream()
                .filter(p -> p.users == workload.concurrency()
                        && p.inputTokens == workload.inputTokens()
                        && p.outputTokens == workload.outputTokens())
                .findFirst();
    }
}
