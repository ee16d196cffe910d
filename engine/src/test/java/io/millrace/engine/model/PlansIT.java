package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.millrace.engine.ConfigException;
import io.millrace.kernels.ParallelPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shipped model over several ranks of the cpu back end. */
class PlansIT {
    @TempDir
    private Path parent;

    private static final int CHUNK = 64;
    private static final int[][] PAGES = BareRunner.identityPages(1, 4);
    private static final int[][] PAGES_OF_GOLDENS = BareRunner.identityPages(1, 32);

    /** Heads, columns, experts and vocabulary split: another order of sums, so close to one rank, and the same on all ranks of a group. */
    @ParameterizedTest
    @CsvSource({"2, 2", "2, 4"})
    void tensorParallelRanksAgreeWithOne(int tp, int ep) {
        String json = TestConfigs.tinyR1()
                .put("num_attention_heads", 8)
                .put("num_key_value_heads", 8)
                .put("intermediate_size", 512)
                .put("moe_intermediate_size", 256)
                .put("num_hidden_layers", 2)
                .toString();
        Path folder = parent.resolve("random");
        RandomWeights.write(folder, json, 5, Long.MAX_VALUE, ProgressListener.NONE);
        check(folder, new ParallelPlan(tp, ep, ep > tp), 512);
    }

    /** bf16 has no blocks, so the cpu takes any cut of it: 342 / 2, 44 / 2 and 44 / 4 columns. */
    @ParameterizedTest
    @CsvSource({"v2-lite, 2, 2", "v2-lite, 2, 4", "moonlight, 4, 1"})
    void bf16IsCutAnywhere(String name, int tp, int ep) throws Exception {
        check(ShapesIT.synthesize(parent, name), new ParallelPlan(tp, ep, ep > tp), 264);
    }

    private static void check(Path folder, ParallelPlan plan, int vocabulary) {
        List<int[]> prompts = new ArrayList<>();
        for (int g = 0; g < plan.dp(); g++) {
            prompts.add(BareRunner.randomIds(20 + 50 * g, vocabulary, g));
        }
        List<float[][]> logits;
        try (PlanRunner runner = new PlanRunner("cpu", plan, folder, CHUNK, 64, PAGES)) {
            logits = runner.prefill(prompts, CHUNK);
        }
        try (BareRunner one = new BareRunner("cpu", folder, CHUNK, 64, PAGES)) {
            for (int g = 0; g < plan.dp(); g++) {
                float[][] expected = one.prefill(0, prompts.get(g), CHUNK);
                for (int row = 0; row < expected.length; row++) {
                    assertThat(logits.get(g)[row])
                            .as("group %d, row %d", g, row)
                            .containsExactly(expected[row], within(2e-4f));
                }
            }
        }
    }

    /** A row's experts are added in the same order as on one rank, so requests split over ranks keep their bits. */
    @ParameterizedTest
    @CsvSource({"2", "8"})
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

    @Test
    void draftsOverRanksHaveTheBitsOfOneRank() {
        List<BareRunner.Chunk> chunks = new ArrayList<>();
        List<int[]> following = new ArrayList<>();
        for (int g = 0; g < 4; g++) {
            int[] ids = BareRunner.randomIds(8 + 9 * g, 512, g);
            chunks.add(new BareRunner.Chunk(0, 0, Arrays.copyOf(ids, ids.length - 1)));
            following.add(Arrays.copyOfRange(ids, 1, ids.length));
        }
        List<float[][]> drafts;
        ParallelPlan plan = new ParallelPlan(1, 4, true);
        try (PlanRunner runner = new PlanRunner("cpu", plan, TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            drafts = runner.draft(chunks, following);
        }
        try (BareRunner one = new BareRunner("cpu", TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            for (int g = 0; g < 4; g++) {
                BareRunner.assertSameBits(drafts.get(g), one.draft(chunks.get(g), following.get(g)));
            }
        }
    }

    /** Teacher-forced: where one rank's best logit leads by more than other orders of sums can change, the best token is the golden's. */
    @ParameterizedTest
    @CsvSource({"2, 1", "4, 1", "2, 4"})
    void goldensOverTensorParallelRanks(int tp, int ep) {
        ParallelPlan plan = new ParallelPlan(tp, ep, ep > tp);
        int steps = 0;
        int decided = 0;
        try (PlanRunner runner = new PlanRunner("cpu", plan, TestConfigs.TINY_R1, CHUNK, 64, PAGES_OF_GOLDENS);
                BareRunner one = new BareRunner("cpu", TestConfigs.TINY_R1, CHUNK, 64, PAGES_OF_GOLDENS)) {
            for (Golden g : GoldenScore.chosen()) {
                float[][] expected = one.prefill(0, g.fed(), CHUNK);
                float[][] logits = runner.prefill(List.of(g.fed()), CHUNK).get(0);
                for (int step = 0; step < g.completionIds().length; step++) {
                    int row = g.promptIds().length - 1 + step;
                    assertThat(logits[row]).containsExactly(expected[row], within(2e-3f));
                    steps++;
                    if (lead(expected[row]) > 4e-3) {
                        decided++;
                        assertThat(BareRunner.argmax(logits[row]))
                                .as("%s, step %d", g.id(), step)
                                .isEqualTo(g.completionIds()[step]);
                    }
                }
            }
        }
        assertThat(decided).isGreaterThan(200).isGreaterThan(steps * 99 / 100);
    }

    /** Returns by how much the best logit leads the second. */
    private static double lead(float[] logits) {
        float[] sorted = logits.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length - 1] - sorted[sorted.length - 2];
    }

    @Test
    void aPlanThatCantCutTheModelIsRefused() {
        ParallelPlan plan = new ParallelPlan(8, 1, false);
        assertThatThrownBy(() -> new PlanRunner("cpu", plan, TestConfigs.TINY_R1, CHUNK, 64, PAGES))
                .isInstanceOf(ConfigException.class)
                .hasMessage("plan tp8-ep1 can't cut tiny-r1: num_attention_heads 4 isn't a multiple of 8 ranks");
    }
}
