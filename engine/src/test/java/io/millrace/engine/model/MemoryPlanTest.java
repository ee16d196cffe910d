package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.ParallelPlan;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** R1's numbers are sums over its published shapes, made by hand (docs/sizing.md). */
class MemoryPlanTest {
    private static final ModelConfig R1 = TestConfigs.parse(TestConfigs.r1());
    private static final long USABLE = 126_900_000_000L;

    @Test
    void r1UnderPureTpIsTheSumOfItsShards() {
        MemoryPlan plan = r1(new ParallelPlan(8, 1, false));

        assertThat(plan.weightBytes()).isEqualTo(85_270_039_072L);
        assertThat(plan.workspaceBytes()).isEqualTo(1_676_346_372L);
        assertThat(plan.kvPoolBytes()).isEqualTo(39_950_475_264L);
        assertThat(plan.kvTokens()).isEqualTo(568_512);
        assertThat(plan.users(2000)).isEqualTo(277);
    }

    @Test
    void r1UnderDpAttentionHoldsMoreTokensInSmallerPools() {
        MemoryPlan plan = r1(new ParallelPlan(1, 8, true));

        assertThat(plan.weightBytes()).isEqualTo(101_865_920_864L);
        assertThat(plan.workspaceBytes()).isEqualTo(1_177_678_088L);
        assertThat(plan.kvPoolBytes()).isEqualTo(23_854_252_032L);
        assertThat(plan.kvTokens()).isEqualTo(2_715_648);
        assertThat(plan.users(2000)).isEqualTo(1320);
    }

    @Test
    void allPlansOfEightAreListedMostTokensFirst() {
        List<MemoryPlan> plans = MemoryPlan.all(R1, new MemoryPlan.Demand(8, USABLE, 1024, 2048, false));

        assertThat(plans)
                .extracting(plan -> plan.plan().toString())
                .containsExactly(
                        "tp1-ep8-dpattn",
                        "tp2-ep8-dpattn",
                        "tp4-ep8-dpattn",
                        "tp8-ep1",
                        "tp8-ep2",
                        "tp8-ep4",
                        "tp8-ep8");
        assertThat(plans).allMatch(MemoryPlan::fits);
    }

    @Test
    void oneGpuIsTooSmallAndSaysWhatItNeeds() {
        MemoryPlan plan = MemoryPlan.all(R1, new MemoryPlan.Demand(1, USABLE, 1024, 2048, false))
                .get(0);

        assertThat(plan.fits()).isFalse();
        assertThat(plan.users(2000)).isZero();
        assertThat(plan.refusal()).contains("for weights").endsWith("but a GPU has 126,900,000,000");
    }

    /** 10944 / 8 = 1368 and 1408 / 8 = 176. */
    @Test
    void v2LiteInBf16SplitsEightWays() {
        ModelConfig lite = ModelConfig.read(TestConfigs.PUBLISHED.resolve("deepseek-v2-lite.json"));
        MemoryPlan.Demand one = new MemoryPlan.Demand(1, USABLE, 64, 2048, false);
        MemoryPlan.Demand eight = new MemoryPlan.Demand(8, USABLE, 64, 2048, false);

        assertThat(MemoryPlan.of(lite, one, ParallelPlan.SINGLE).weightBytes()).isEqualTo(31_413_221_376L);
        MemoryPlan plan = MemoryPlan.of(lite, eight, new ParallelPlan(8, 1, false));
        assertThat(plan.fits()).isTrue();
        assertThat(plan.weightBytes()).isEqualTo(3_988_797_440L);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "8 | 1 | false | num_attention_heads 4 isn't a multiple of 8 ranks",
                "1 | 32 | true | n_routed_experts 16 isn't a multiple of 32 ranks",
                "2 | 3 | true | of tp 2 and ep 3 neither is a multiple of the other",
                "1 | 4 | false | ep 4 over tp 1 needs dp attention",
                "4 | 2 | true | dp attention over 4 ranks needs ep 4, not 2"
            })
    void plansThatCantCutTheShippedModelAreRefused(int tp, int ep, boolean dpAttention, String reason) {
        ModelConfig tiny = TestConfigs.parse(TestConfigs.tinyR1());
        MemoryPlan plan = MemoryPlan.of(
                tiny, new MemoryPlan.Demand(2, USABLE, 8, 512, false), new ParallelPlan(tp, ep, dpAttention));

        assertThat(plan.refusal()).isEqualTo(reason);
    }

    private static MemoryPlan r1(ParallelPlan plan) {
        return MemoryPlan.of(R1, new MemoryPlan.Demand(8, USABLE, 1024, 2048, false), plan);
    }
}
