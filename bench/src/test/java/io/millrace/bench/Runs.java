package io.millrace.bench;

/** A run written by hand. */
final class Runs {
    private static final long MS = 1_000_000;

    private Runs() {}

    private static long[] ms(long... values) {
        long[] nanos = values.clone();
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] *= MS;
        }
        return nanos;
    }

    /** Two prompts of ten tokens, answers of three: the second one starts with the first one's second token. */
    static RunTimes two() {
        return new RunTimes(
                new Workload(2, 2, 10, 3, 0),
                ms(100, 120),
                ms(101, 123),
                new long[][] {ms(150, 160, 170), ms(160, 170, 190)},
                ms(175, 200),
                ms(150, 160, 170, 190),
                ms(80, 95, 115, 150),
                new MachineLoad(100 * MS, 5 * MS, 10.0),
                new MachineLoad(200 * MS, 155 * MS, 10.3),
                new RunTimes.Counters(2, 0.5, 1, 3 << 20, 0.025));
    }

    /** One after the other: at no time do both run. */
    static RunTimes oneAfterTheOther() {
        return new RunTimes(
                new Workload(1, 2, 10, 2, 0),
                ms(100, 100),
                ms(100, 100),
                new long[][] {ms(150, 160), ms(200, 210)},
                ms(160, 210),
                ms(150, 160, 200, 210),
                ms(50, 60, 100, 110),
                new MachineLoad(100 * MS, 0, Double.NaN),
                new MachineLoad(210 * MS, 110 * MS, Double.NaN),
                new RunTimes.Counters(1, 0.5, 0, -1, Double.NaN));
    }

    /** Like {@link #two}, but asked for another shape, and with the last token after that many milliseconds, at least 80. */
    static ServingReport ofShape(int concurrency, int inputTokens, int outputTokens, long lastTokenMillis) {
        RunTimes t = two();
        long end = 100 + lastTokenMillis;
        return ServingReport.of(
                "engine",
                new RunTimes(
                        new Workload(concurrency, 2, inputTokens, outputTokens, 0),
                        t.handedOver(),
                        t.submitted(),
                        new long[][] {t.tokens()[0], ms(160, 170, end)},
                        t.visible(),
                        ms(150, 160, 170, end),
                        t.stepCpuNanos(),
                        t.start(),
                        t.end(),
                        t.engine()));
    }

    /** Like {@link #two}, with an output throughput of that many tokens per second. */
    static ServingReport withThroughput(double tokensPerSecond) {
        RunTimes t = two();
        long end = 100 * MS + (long) (6 / tokensPerSecond * 1e9);
        return ServingReport.of(
                "engine",
                new RunTimes(
                        t.workload(),
                        t.handedOver(),
                        t.submitted(),
                        t.tokens(),
                        new long[] {end, end},
                        t.stepNanos(),
                        t.stepCpuNanos(),
                        t.start(),
                        t.end(),
                        t.engine()));
    }
}
