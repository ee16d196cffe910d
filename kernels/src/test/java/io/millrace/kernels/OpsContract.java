package io.millrace.kernels;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every contract of {@link Ops} and {@link Device}; a back end's test says how to open it. */
public abstract class OpsContract implements MemoryContract, RouterContract, SamplingContract {
    private final Backend backend = open(1);
    private final Rank rank = backend.open(ParallelPlan.SINGLE).get(0);

    /** Opens the back end. */
    protected abstract Backend open(int numThreads);

    /** What the back end's numbers are. */
    protected abstract Numerics numerics();

    private List<OpCase> cases() {
        return Cases.all(numerics());
    }

    @Override
    public Rank rank() {
        return rank;
    }

    @AfterEach
    void close() {
        backend.close();
    }

    @TestFactory
    Stream<DynamicTest> givesTheOraclesAnswer() {
        return cases().stream()
                .map(c -> DynamicTest.dynamicTest(
                        c.toString(),
                        () -> BitsAssert.assertClose(
                                c.toString(),
                                c.run(rank, 0, c.rows()),
                                c.expected(),
                                c.magnitude(),
                                c.bound(),
                                c.cols())));
    }

    /** The first, the last and some rows between, each alone, give what the whole step gives. */
    @TestFactory
    Stream<DynamicTest> bitsDontDependOnTheBatch() {
        return cases().stream()
                .filter(c -> c.rows() > 1)
                .map(c -> DynamicTest.dynamicTest(c.toString(), () -> {
                    float[] all = c.run(rank, 0, c.rows());
                    for (int row = 0; row < c.rows(); row += Math.max(1, c.rows() / 9)) {
                        assertPart(c, all, row, row + 1);
                    }
                    assertPart(c, all, c.rows() - 1, c.rows());
                    assertPart(c, all, 1, Math.min(4, c.rows()));
                }));
    }

    private void assertPart(OpCase c, float[] all, int from, int to) {
        float[] expected = Inputs.rows(all, from, to, c.cols());
        BitsAssert.assertSameBits(c + ", rows " + from + " … " + (to - 1), c.run(rank, from, to), expected, c.cols());
    }
}
