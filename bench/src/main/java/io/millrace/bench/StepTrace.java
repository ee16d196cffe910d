package io.millrace.bench;

import io.millrace.engine.EngineMetrics;
import java.util.Arrays;

/**
 * When the engine's steps ended, and the CPU time until then. All tokens of a step have the step's time: what lies between two of them is
 * the same for every row, whatever its place in the batch. Thread: the engine's; afterwards any.
 */
final class StepTrace {
    private final EngineMetrics metrics;
    private long seenSteps = -1;
    private int numSteps;
    private long[] nanos = new long[1024];
    private long[] cpuNanos = new long[1024];
    private int peakRunning;
    private double peakKvUsage;

    StepTrace(EngineMetrics metrics) {
        this.metrics = metrics;
    }

    /** Returns the index of the step that just ended; the first call in a step stamps it. */
    int stamp() {
        long steps = metrics.steps.sum();
        if (steps != seenSteps) {
            seenSteps = steps;
            if (numSteps == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * numSteps);
                cpuNanos = Arrays.copyOf(cpuNanos, 2 * numSteps);
            }
            nanos[numSteps] = System.nanoTime();
            cpuNanos[numSteps++] = MachineLoad.ownCpuTime();
            peakRunning = Math.max(peakRunning, metrics.numRequestsRunning.get());
            peakKvUsage = Math.max(peakKvUsage, metrics.kvCacheUsage());
        }
        return numSteps - 1;
    }

    /** Returns the times of the steps in which tokens were drawn [numSteps] i64. */
    long[] nanos() {
        return Arrays.copyOf(nanos, numSteps);
    }

    /** Returns the process's CPU time at those times [numSteps] i64. */
    long[] cpuNanos() {
        return Arrays.copyOf(cpuNanos, numSteps);
    }

    int peakRunning() {
        return peakRunning;
    }

    double peakKvUsage() {
        return peakKvUsage;
    }
}
