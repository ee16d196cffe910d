package io.millrace.kernels.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.kernels.numeric.E4m3;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class WarmingLanesIT {
    @BeforeAll
    static void needsTheModule() {
        assumeTrue(ModuleLayer.boot().findModule(LaneChoice.MODULE).isPresent());
    }

    /** Same results before, while and after the vectors take over. */
    @Test
    void takesOverWithTheSameBits() throws InterruptedException {
        Tile tile = new Tile();
        SplittableRandom random = new SplittableRandom(4);
        tile.format = Tile.Format.E4M3;
        tile.cols = 200;
        tile.e4m3 = new byte[200 * Lanes.PANEL_ROWS];
        for (int i = 0; i < tile.e4m3.length; i++) {
            tile.e4m3[i] = E4m3.encode((float) random.nextDouble(-400, 400));
        }
        tile.scales = new float[] {0x1p60f, 0x1p59f};
        tile.x = new float[800];
        for (int i = 0; i < tile.x.length; i++) {
            tile.x[i] = (float) random.nextDouble() * 0x1p60f;
        }
        try (WarmingLanes lanes = new WarmingLanes(new VectorLanes())) {
            float[] first = product(lanes, tile);
            for (int i = 0; i < 1_000 && !lanes.isWarm(); i++) {
                assertThat(product(lanes, tile)).isEqualTo(first);
                Thread.sleep(60);
            }
            assertThat(lanes.isWarm()).isTrue();
            assertThat(WarmingLanes.isJvmWarm()).isTrue();
            assertThat(product(lanes, tile)).isEqualTo(first);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("millrace-lanes-warm-up");
    }

    @Test
    void closingEndsTheThreadAtOnce() {
        new WarmingLanes(new VectorLanes()).close();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("millrace-lanes-warm-up");
    }

    private static float[] product(Lanes lanes, Tile tile) {
        Arrays.fill(tile.acc, 0);
        for (int m = 0; m < 2; m++) {
            tile.rows[m] = 200 * m;
        }
        lanes.multiply(tile, 2);
        return Arrays.copyOf(tile.acc, 2 * Lanes.PANEL_ROWS);
    }
}
