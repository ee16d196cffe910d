package io.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Times with a known slope. */
class ContextGrowthTest {
    /** Token j comes 1 ms + j µs after the one before. */
    private static long[] slower(int tokens) {
        long[] times = new long[tokens];
        for (int j = 1; j < tokens; j++) {
            times[j] = times[j - 1] + 1_000_000 + 1000L * j;
        }
        return times;
    }

    @Test
    void windowsHaveTheMedianOfTheirGaps() {
        ContextGrowth growth = ContextGrowth.of(100, new long[][] {slower(160), slower(160)});
        assertThat(growth.points()).hasSize(3); // 159 gaps; nine are left out
        assertThat(growth.points().get(0).context()).isEqualTo(126);
        assertThat(growth.points().get(0).millis()).isCloseTo(1.0255, within(1e-9)); // gaps 1 … 50
        assertThat(growth.points().get(2).millis()).isCloseTo(1.1255, within(1e-9)); // gaps 101 … 150
        assertThat(growth.ratio()).isCloseTo(1.1255 / 1.0255, within(1e-9));
    }

    @Test
    void oneSlowStepIsNotSeen() {
        long[] times = slower(160);
        for (int j = 30; j < times.length; j++) {
            times[j] += 1_000_000_000;
        }
        assertThat(ContextGrowth.of(0, new long[][] {times}).points().get(0).millis())
                .isLessThan(1.06);
    }

    @Test
    void shortRunsHaveNoGrowth() {
        assertThat(ContextGrowth.of(5, new long[][] {slower(51)}).points()).hasSize(1);
        assertThat(ContextGrowth.of(5, new long[][] {slower(51)}).ratio()).isNaN();
        assertThat(ContextGrowth.of(5, new long[][] {slower(1)}).points()).isEmpty();
    }
}
