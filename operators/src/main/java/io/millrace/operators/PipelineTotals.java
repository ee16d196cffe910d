package io.millrace.operators;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What all subtasks of a task manager counted, past ones included; {@link MetricsEndpoint} shows it. Any thread. */
final class PipelineTotals {
    /** This task manager's. */
    static final PipelineTotals OF_JVM = new PipelineTotals();

    final LongAdder deadLetters = new LongAdder();
    final LongAdder unknownFields = new LongAdder();
    final LongAdder resumedTokens = new LongAdder();
    final AtomicInteger inFlightRequests = new AtomicInteger();
    final AtomicLong inFlightBytes = new AtomicLong();
}
