package io.millrace.bench;

/**
 * When everything of a run happened; all times in nanoseconds of one clock.
 *
 * @param workload what was asked
 * @param handedOver [numPrompts] i64: when each prompt was given to the way
 * @param submitted [numPrompts] i64: when it reached the engine
 * @param tokens [numPrompts][outputTokens] i64: when each token was made; equal for tokens of one step
 * @param visible [numPrompts] i64: when the completion could be read
 * @param stepNanos [numSteps] i64: ends of the engine's steps, ascending
 * @param stepCpuNanos [numSteps] i64: this process's CPU time at those
 * @param start load when the first prompt was handed over
 * @param end load when the last completion was visible
 * @param engine what the engine's counters say
 */
@SuppressWarnings("ArrayRecordComponent") // read once, compared by nobody
record RunTimes(
        Workload workload,
        long[] handedOver,
        long[] submitted,
        long[][] tokens,
        long[] visible,
        long[] stepNanos,
        long[] stepCpuNanos,
        MachineLoad start,
        MachineLoad end,
        Counters engine) {

    /**
     * What the engine's counters say of a run.
     *
     * @param peakRunning sequences that ran together at most
     * @param peakKvUsage share of the KV pool in use at most, 0 … 1
     * @param preemptions sequences preempted
     * @param residentBytes of the process at the end; −1 if unknown
     * @param stepOverheadShare share of the steps' time in which the model's layers didn't run: scheduling, sampling, detokenising,
     *     delivering; 0 … 1
     */
    record Counters(
            int peakRunning, double peakKvUsage, long preemptions, long residentBytes, double stepOverheadShare) {}
}
