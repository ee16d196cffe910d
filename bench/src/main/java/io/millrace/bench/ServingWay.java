package io.millrace.bench;

/** A way from prompt to completion: the bare engine, Flink around it, Kafka around that. Thread: the command's. */
interface ServingWay {
    /**
     * Has every prompt of the clock's run answered and returns when all answers are visible. Leaves nothing running, so that other ways
     * can be measured in between.
     *
     * @throws IllegalStateException if a prompt wasn't answered
     */
    void serve(RunClock clock);
}
