package io.millrace.operators;

import io.millrace.engine.RejectedException.Stage;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;

/** What all subtasks of a task manager counted, past ones included; {@link MetricsEndpoint} shows it. Any thread. */
final class PipelineTotals {
    /** This task manager's. */
    static final PipelineTotals OF_JVM = new PipelineTotals();

    final LongAdder unknownFields = new LongAdder();
    final LongAdder resumedTokens = new LongAdder();
    final AtomicInteger inFlightRequests = new AtomicInteger();
    final AtomicLong inFlightBytes = new AtomicLong();
    private final Map<Stage, LongAdder> deadLetters =
            Arrays.stream(Stage.values()).collect(Collectors.toUnmodifiableMap(s -> s, s -> new LongAdder()));

    /** Returns the count of the dead letters that failed at that stage. */
    LongAdder deadLetters(Stage stage) {
        return Objects.requireNonNull(deadLetters.get(stage));
    }
}
