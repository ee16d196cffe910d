package io.millrace.engine.model;

import io.millrace.kernels.ParallelPlan;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The shipped model over several emulated GPUs, fed with the goldens' tokens: one golden in each group of ranks at a time. {@code
 * -Dmillrace.full=true}: all 52.
 */
class CudaPlansIT {
    private static final int CHUNK = 64;
    private static final int[][] PAGES = BareRunner.identityPages(1, 2048 / 64);

    /** By golden's id: logits [rows, V] of one rank. */
    private static final Map<String, float[][]> CPU = new HashMap<>();

    private static final Map<String, float[][]> ONE_RANK = new HashMap<>();

    @BeforeAll
    static void runOneRank() {
        EmulatedDriver.require();
        run("cpu", CPU);
        run("cuda", ONE_RANK);
    }

    private static void run(String backend, Map<String, float[][]> logits) {
        try (BareRunner one = new BareRunner(backend, TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            GoldenScore.chosen().forEach(g -> logits.put(g.id(), one.prefill(0, g.fed(), CHUNK)));
        }
    }

    @AfterAll
    static void forget() {
        CPU.clear();
        ONE_RANK.clear();
    }

    @Test
    void bitsDontDependOnBatchChunksOrPadding() {
        int[] prompt = BareRunner.randomIds(90, 512, 5);
        int[] other = BareRunner.randomIds(61, 512, 6);
        int sparePage = 6;
        int[][] pages = {{3, 0}, {5, 1}, {2, 4}, {sparePage, 7}};
        try (PlanRunner runner =
                new PlanRunner("cuda", new ParallelPlan(2, 4, true), TestConfigs.TINY_R1, 256, 64, pages)) {
            BareRunner.Chunk whole = new BareRunner.Chunk(0, 0, prompt);
            BareRunner.Chunk neighbour = new BareRunner.Chunk(1, 0, other);
            float[][] alone = runner.step(List.of(List.of(whole), List.of())).get(0);
            float[][] beside = runner.step(List.of(List.of(neighbour), List.of(neighbour, whole)))
                    .get(1);
            BareRunner.assertSameBits(Arrays.copyOfRange(beside, other.length, beside.length), alone);
            List<List<BareRunner.Chunk>> both = List.of(List.of(whole), List.of(neighbour));
            BareRunner.assertSameBits(runner.step(both, 67, sparePage).get(0), alone);
            BareRunner.assertSameBits(runner.prefill(List.of(prompt, other), 33).get(0), alone);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 8", "2, 2", "4, 1", "4, 8"})
    void goldensOverRanks(int tp, int ep) {
        check(tp, ep);
    }

    @EnabledIfSystemProperty(named = "millrace.full", matches = "true")
    @ParameterizedTest
    @CsvSource({"1, 2", "1, 4", "2, 1", "2, 4", "2, 8", "4, 2", "4, 4"})
    void goldensOverRanksOfMorePlans(int tp, int ep) {
        check(tp, ep);
    }

    private static void check(int tp, int ep) {
        ParallelPlan plan = new ParallelPlan(tp, ep, ep > tp);
        List<Golden> goldens = GoldenScore.chosen();
        GoldenScore score = new GoldenScore();
        try (PlanRunner runner = new PlanRunner("cuda", plan, TestConfigs.TINY_R1, CHUNK, 64, PAGES)) {
            for (int first = 0; first < goldens.size(); first += runner.numGroups()) {
                List<Golden> together = goldens.subList(first, Math.min(goldens.size(), first + runner.numGroups()));
                List<float[][]> logits =
                        runner.prefill(together.stream().map(Golden::fed).toList(), CHUNK);
                for (int g = 0; g < together.size(); g++) {
                    String id = together.get(g).id();
                    score.add(together.get(g), CPU.get(id), logits.get(g));
                    if (tp == 1) { // a row's experts are added in the same order as on one rank
                        BareRunner.assertSameBits(logits.get(g), ONE_RANK.get(id));
                    }
                }
            }
        }
        score.check("cuda (emulated), " + plan);
    }
}
