package io.millrace.bench;

import io.millrace.engine.Parallelism;
import picocli.CommandLine.Option;

/** Options of what computes. */
final class DeviceArgs {
    @Option(
            names = "--backend",
            paramLabel = "cpu|cuda",
            defaultValue = "cpu",
            description = "What computes. Default: ${DEFAULT-VALUE}.")
    private String backend = "cpu";

    @Option(
            names = "--tensor-parallel-size",
            paramLabel = "N",
            defaultValue = "1",
            description = "Devices that share heads and columns. Default: ${DEFAULT-VALUE}.")
    private int tensorParallelSize;

    @Option(
            names = "--data-parallel-size",
            paramLabel = "N",
            defaultValue = "1",
            description = "Groups of such devices, each with requests of its own. Default: ${DEFAULT-VALUE}.")
    private int dataParallelSize;

    @Option(names = "--enable-expert-parallel", description = "Routed experts are whole, each on one of all devices.")
    private boolean isExpertParallel;

    String backend() {
        return backend;
    }

    Parallelism parallelism() {
        return new Parallelism(tensorParallelSize, dataParallelSize, isExpertParallel);
    }
}
