package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.ParallelPlan;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shipped model over several ranks of the cpu back end. */
class PlansIT {
    private static final int CHUNK = 64;
    private static final int[][] PAGES = BareRunner.identityPages(1, 4);

    /** A row's experts are added in the same order as on one rank, so requests split over ranks keep their bits. */
    @ParameterizedTest
    @CsvSource({"2", "4", "8"})
    void requestsSplitOverRanksHaveTheBitsOfOneRank(int ranks) {
        List<int[]> prompts = new ArrayList<>();
        for (int g = 0; g < ranks; g++) {
            prompts.add(BareRunner.randomIds(
                    5 + 37 * g % 150, 512, g)); // of different lengths: some groups have no rows later
        }
        ParallelPlan plan = new ParallelPlan(1, ranks, true);
        List<float[][]> logits;
        try (PlanRunner runner = new PlanRunner("cpu", plan, TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            logits = runner.prefill(prompts, CHUNK);
        }
        assertThat(logits).hasSize(ranks);
        try (BareRunner one = new BareRunner("cpu", TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            for (int g = 0; g < ranks; g++) {
                BareRunner.assertSameBits(logits.get(g), one.prefill(0, prompts.get(g), CHUNK));
            }
        }
    }
}
