package io.millrace.bench;

import java.util.Arrays;

/**
 * The figures of one run. What vLLM's benchmark has too is defined as there.
 *
 * @param through way
 * @param workload what was asked
 * @param completed requests answered
 * @param duration seconds from the first prompt handed over to the last completion visible
 * @param engineDuration seconds from the first prompt handed over to the last token made
 * @param totalInputTokens prompt tokens
 * @param totalOutputTokens tokens made
 * @param ttft milliseconds from hand-over to first token
 * @param addedTtft the part of that before the engine had the request
 * @param tpot milliseconds per output token of each request, its first left out
 * @param itl milliseconds between successive tokens of a request
 * @param growth time per output token over the context
 * @param prefill until the last request's first token
 * @param decode while all run: after the last request's first token, up to the step in which the first one finishes
 * @param minTokensWhileAllRun tokens of the slowest request meanwhile
 * @param maxTokensWhileAllRun tokens of the fastest one
 * @param othersCpus CPUs that other processes used meanwhile; NaN if unknown
 * @param engine what the engine's counters say
 */
record ServingReport(
        String through,
        Workload workload,
        int completed,
        double duration,
        double engineDuration,
        long totalInputTokens,
        long totalOutputTokens,
        Spread ttft,
        Spread addedTtft,
        Spread tpot,
        Spread itl,
        ContextGrowth growth,
        Rate prefill,
        Rate decode,
        int minTokensWhileAllRun,
        int maxTokensWhileAllRun,
        double othersCpus,
        RunTimes.Counters engine) {
    private static final double NANOS = 1e-9;
    private static final double MILLIS = 1e-6;

    /** Tokens per second and per CPU second of this process; NaN where the phase didn't occur. */
    record Rate(double perSecond, double perCpuSecond) {}

    /** Does the arithmetic. */
    static ServingReport of(String through, RunTimes times) {
        int n = times.tokens().length;
        double[] ttft = new double[n];
        double[] added = new double[n];
        long start = Arrays.stream(times.handedOver()).min().orElseThrow();
        long lastFirstToken = Long.MIN_VALUE;
        long firstFinish = Long.MAX_VALUE;
        long lastToken = Long.MIN_VALUE;
        long outputTokens = 0;
        for (int i = 0; i < n; i++) {
            long[] tokens = times.tokens()[i];
            ttft[i] = (tokens[0] - times.handedOver()[i]) * MILLIS;
            added[i] = (times.submitted()[i] - times.handedOver()[i]) * MILLIS;
            lastFirstToken = Math.max(lastFirstToken, tokens[0]);
            firstFinish = Math.min(firstFinish, tokens[tokens.length - 1]);
            lastToken = Math.max(lastToken, tokens[tokens.length - 1]);
            outputTokens += tokens.length;
        }
        int[] whileAllRun = between(times.tokens(), lastFirstToken, firstFinish);
        long inputTokens = (long) n * times.workload().inputTokens();
        return new ServingReport(
                through,
                times.workload(),
                n,
                (Arrays.stream(times.visible()).max().orElseThrow() - start) * NANOS,
                (lastToken - start) * NANOS,
                inputTokens,
                outputTokens,
                Spread.of(ttft),
                Spread.of(added),
                Spread.of(tpot(times.tokens())),
                Spread.of(itl(times.tokens())),
                ContextGrowth.of(times.workload().inputTokens(), times.tokens()),
                rate(
                        inputTokens,
                        lastFirstToken - start,
                        cpuAt(times, lastFirstToken) - times.start().ownCpuNanos()),
                rate(
                        Arrays.stream(whileAllRun).asLongStream().sum(),
                        firstFinish - lastFirstToken,
                        cpuAt(times, firstFinish) - cpuAt(times, lastFirstToken)),
                Arrays.stream(whileAllRun).min().orElseThrow(),
                Arrays.stream(whileAllRun).max().orElseThrow(),
                times.end().othersCpus(times.start()),
                times.engine());
    }

    /** Returns the tokens of each request after {@code from}, up to {@code to} [numPrompts] i32. */
    private static int[] between(long[][] tokens, long from, long to) {
        return Arrays.stream(tokens)
                .mapToInt(t -> (int)
                        Arrays.stream(t).filter(at -> at > from && at <= to).count())
                .toArray();
    }

    private static double[] tpot(long[][] tokens) {
        return Arrays.stream(tokens)
                .filter(t -> t.length > 1)
                .mapToDouble(t -> (t[t.length - 1] - t[0]) * MILLIS / (t.length - 1))
                .toArray();
    }

    private static double[] itl(long[][] tokens) {
        return Arrays.stream(tokens)
                .flatMapToDouble(t -> Arrays.stream(gaps(t)))
                .toArray();
    }

    /** Returns the milliseconds between a request's tokens [tokens − 1] f64. */
    static double[] gaps(long[] tokens) {
        double[] gaps = new double[tokens.length - 1];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = (tokens[i + 1] - tokens[i]) * MILLIS;
        }
        return gaps;
    }

    private static long cpuAt(RunTimes times, long nanos) {
        int step = Arrays.binarySearch(times.stepNanos(), nanos);
        if (step < 0) {
            throw new IllegalStateException("no step ended at " + nanos);
        }
        return times.stepCpuNanos()[step];
    }

    private static Rate rate(long tokens, long nanos, long cpuNanos) {
        return new Rate(
                nanos > 0 ? tokens / (nanos * NANOS) : Double.NaN,
                nanos > 0 && cpuNanos > 0 ? tokens / (cpuNanos * NANOS) : Double.NaN);
    }

    double requestThroughput() {
        return completed / duration;
    }

    double outputThroughput() {
        return totalOutputTokens / duration;
    }

    double totalTokenThroughput() {
        return (totalInputTokens + totalOutputTokens) / duration;
    }

    /** Returns tokens per second up to the last token, without the wait for its being visible. */
    double engineThroughput() {
        return totalOutputTokens / engineDuration;
    }
}
