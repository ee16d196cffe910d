package io.millrace.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.BitsAssert;
import io.millrace.kernels.Cases;
import io.millrace.kernels.Numerics;
import io.millrace.kernels.OpsContract;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.WeightContract;
import io.millrace.kernels.cpu.simd.LaneChoice;
import io.millrace.kernels.cpu.simd.ScalarLanes;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class CpuOpsTest extends OpsContract implements WeightContract {
    @Override
    protected Numerics numerics() {
        return Numerics.CPU;
    }

    @Override
    protected Backend open(int numThreads) {
        return Backends.named("cpu", numThreads);
    }

    @Test
    void saysWhichLanesRun() {
        assertThat(rank().device().info().description())
                .contains("lanes " + LaneChoice.choose().name());
    }

    @TestFactory
    Stream<DynamicTest> bitsDependNeitherOnThreadsNorOnWidth() {
        return IntStream.of(1, 2, 3)
                .mapToObj(threads -> DynamicTest.dynamicTest(threads + " threads", () -> {
                    try (Backend scalar = new CpuBackend(1, new ScalarLanes());
                            Backend other = open(threads)) {
                        Rank reference = scalar.open(ParallelPlan.SINGLE).get(0);
                        Rank rank = other.open(ParallelPlan.SINGLE).get(0);
                        Cases.all(numerics())
                                .forEach(c -> BitsAssert.assertSameBits(
                                        c.toString(),
                                        c.run(rank, 0, c.rows()),
                                        c.run(reference, 0, c.rows()),
                                        c.cols()));
                    }
                }));
    }
}
