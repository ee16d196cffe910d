package io.millrace.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.engine.kv.KvBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole engine over several ranks of the cpu back end. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlansEngineIT {
    private static final int MAX_TOKENS = 60;
    private static final long PAGE_BYTES = KvBudget.PAGE_TOKENS * 4L * (64 + 32) * Float.BYTES;

    private final List<EngineRequest> requests = new ArrayList<>();
    private Run oneRank = new Run(Map.of(), Map.of());

    /** Tokens by request, and the bits of the logits that each was drawn from. */
    private record Run(Map<String, String> tokens, Map<String, Integer> rowBits) {}

    @BeforeAll
    void runOneRank() {
        List<JsonNode> rows = EngineRun.jsonl("eval.jsonl").subList(0, 12);
        for (int i = 0; i < rows.size(); i++) {
            requests.add(EngineRun.request(
                    "greedy" + i, EngineRun.chat(rows.get(i)), EngineRun.sampling(MAX_TOKENS, 0.0, null, 2L * i)));
            requests.add(EngineRun.request(
                    "sampled" + i, EngineRun.chat(rows.get(i)), EngineRun.sampling(MAX_TOKENS, 2.0, 0.95, 2L * i + 1)));
        }
        oneRank = run(EngineRun.config(2, 8, 64, 0, 0), new EngineMetrics());
    }

    @AfterEach
    void reset() {
        TappedBackendProvider.reset();
    }

    private Run run(EngineConfig config, EngineMetrics metrics) {
        Map<String, String> tokens = new TreeMap<>();
        try (Engine engine = Engine.open(config, metrics)) {
            TappedBackendProvider.reset(); // of the warm-up's rows
            EngineRun.run(engine, requests)
                    .forEach((id, o) -> tokens.put(
                            id, o.deltaTokens + " " + o.finished.get(0).reason()));
        }
        return new Run(tokens, Map.copyOf(TappedBackendProvider.ROW_BITS));
    }

    private static Parallelism groups(int dataParallelSize) {
        return new Parallelism(1, dataParallelSize, true);
    }

    /** Rows of drafts behind a sequence's end may be left, so only the rows that one rank drew from are looked at. */
    private static void assertSame(Run run, Run expected) {
        assertThat(run.tokens()).isEqualTo(expected.tokens());
        assertThat(run.rowBits()).containsAllEntriesOf(expected.rowBits());
    }

    @ParameterizedTest
    @CsvSource({
        "2, 1, 1, 16, false, 0",
        "2, 2, 40, 512, true, 2",
        "4, 2, 7, 33, true, 1",
        "4, 4, 16, 64, false, 0",
    })
    void requestsSplitOverGroupsHaveTheBitsOfOneRank(
            int groups, int threads, int maxNumSeqs, int chunk, boolean isPrefixCacheOn, int draftTokens) {
        EngineMetrics metrics = new EngineMetrics();
        EngineConfig config = EngineRun.config(threads, maxNumSeqs, chunk, 0, 0, isPrefixCacheOn, draftTokens);
        assertSame(run(config.withParallelism(groups(groups)), metrics), oneRank);
        assertThat(metrics.acceptedTokens.sum()).isGreaterThanOrEqualTo(draftTokens * 100L);
    }

    /** A group's pages run out: who is preempted may go on in the other one. */
    @Test
    void sameBitsUnderPreemptionInGroups() {
        EngineMetrics metrics = new EngineMetrics();
        EngineConfig config = EngineRun.config(2, 64, 64, 128, 7 * PAGE_BYTES, true, 0);
        assertSame(run(config.withParallelism(groups(2)), metrics), oneRank);
        assertThat(metrics.preemptions.sum()).isGreaterThan(5);
        assertThat(metrics.totalPages.get()).isEqualTo(14);
    }

    /** Heads and columns are cut, so sums have another order: bits of the plan's own, whatever the batch. */
    @ParameterizedTest
    @CsvSource({"2, 1, false", "2, 2, true", "4, 1, false"})
    void aTensorParallelPlanHasItsOwnBitsWhateverTheBatch(int tp, int dp, boolean isExpertParallel) {
        Parallelism parallelism = new Parallelism(tp, dp, isExpertParallel);
        Run alone = run(EngineRun.config(1, 1, 16, 0, 0).withParallelism(parallelism), new EngineMetrics());
        Run together =
                run(EngineRun.config(4, 40, 512, 0, 0, true, 2).withParallelism(parallelism), new EngineMetrics());
        assertSame(together, alone);
        assertThat(alone.rowBits()).as("another order of sums").isNotEqualTo(oneRank.rowBits());
    }

    @Test
    void provenanceNamesThePlan() {
        EngineConfig config = EngineRun.config(2, 4, 64, 128, 0);
        try (Engine engine = Engine.open(config.withParallelism(groups(2)), new EngineMetrics())) {
            assertThat(engine.model().plan()).isEqualTo("tp1-ep2-dpattn");
        }
    }

    @Test
    void aPlanThatCantCutTheModelIsRefusedBeforeAnythingIsLoaded() {
        EngineConfig config = EngineRun.config(2, 4, 64, 128, 0).withParallelism(new Parallelism(8, 1, false));
        assertThatThrownBy(() -> Engine.open(config, new EngineMetrics()))
                .isInstanceOf(ConfigException.class)
                .hasMessage("plan tp8-ep1 can't cut tiny-r1: num_attention_heads 4 isn't a multiple of 8 ranks");
        assertThatThrownBy(() -> new Parallelism(1, 2, false))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("data-parallel-size is 2 but enable-expert-parallel is off");
        assertThatThrownBy(() -> new Parallelism(16, 8, true))
                .isInstanceOf(ConfigException.class)
                .hasMessage("tensor-parallel-size 16 × data-parallel-size 8 is more than 64 ranks: lower one of them");
    }
}
