package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A scheduler over several groups with pages of their own. */
class GroupsTest {
    private final EngineMetrics metrics = new EngineMetrics();
    private long arrivals;

    private Scheduler<String> scheduler(int numGroups, int numPages, int maxNumSeqs, int maxNumBatchedTokens) {
        List<GroupPages> pages = new ArrayList<>();
        for (int g = 0; g < numGroups; g++) {
            KvPool pool = new KvPool(numPages, 4);
            pages.add(new GroupPages(pool, new RadixCache(pool, new byte[32])));
        }
        return new Scheduler<>(pages, maxNumSeqs, maxNumBatchedTokens, 0, metrics);
    }

    /** Queues a sequence whose tokens are all {@code filler}. */
    private void add(Scheduler<String> scheduler, String name, int numTokens, int filler) {
        int[] prompt = IntStream.generate(() -> filler).limit(numTokens).toArray();
        scheduler.add(new Sequence<>(
                name,
                SamplingParams.resolve(SamplingOptions.NONE, 0),
                0,
                new Turn(0, "", arrivals++),
                prompt,
                100,
                null));
    }

    private static List<String> names(StepPlan<String> plan) {
        return IntStream.range(0, plan.size())
                .mapToObj(i -> plan.sequence(i).companion() + ":" + plan.count(i))
                .toList();
    }

    @Test
    void whoIsNextGoesToTheGroupWithTheFewestTokens() {
        Scheduler<String> scheduler = scheduler(2, 100, 8, 200);
        add(scheduler, "a", 30, 1);
        add(scheduler, "b", 10, 2);
        add(scheduler, "c", 10, 3);
        add(scheduler, "d", 10, 4);
        add(scheduler, "e", 10, 5);
        List<StepPlan<String>> plans = scheduler.plan();
        assertThat(names(plans.get(0))).containsExactly("a:30", "e:10"); // of equals, 30 and 30, the first
        assertThat(names(plans.get(1))).containsExactly("b:10", "c:10", "d:10");
        scheduler.check();
    }

    @Test
    void rowsAndTokensOfAStepAreSharedAndTheRowsOfAllAreNoMoreThanAsked() {
        Scheduler<String> scheduler = scheduler(2, 100, 3, 15);
        for (int i = 0; i < 4; i++) {
            add(scheduler, "s" + i, 10, i);
        }
        List<StepPlan<String>> plans = scheduler.plan();
        assertThat(names(plans.get(0))).containsExactly("s0:8"); // half of 15, rounded up
        assertThat(names(plans.get(1))).containsExactly("s1:8");
        assertThat(scheduler.numFreeRows()).isEqualTo(1);
        scheduler.stepDone();
        plans = scheduler.plan();
        assertThat(names(plans.get(0))).containsExactly("s0:2", "s2:6");
        assertThat(names(plans.get(1))).containsExactly("s1:2");
        assertThat(scheduler.numFreeRows()).isZero();
        assertThat(scheduler.numWaiting()).isEqualTo(1);
    }

    @Test
    void whoFitsNowhereWaits() {
        Scheduler<String> scheduler = scheduler(2, 6, 8, 200);
        add(scheduler, "a", 12, 1); // 3 of 6 pages
        add(scheduler, "b", 20, 2); // 5 of 6 pages
        add(scheduler, "c", 16, 3); // 4 pages: neither has them
        assertThat(names(scheduler.plan().get(0))).containsExactly("a:12");
        assertThat(scheduler.numWaiting()).isEqualTo(1);
        assertThat(metrics.usedPages.get()).isEqualTo(8);
        assertThat(metrics.totalPages.get()).isEqualTo(12);
    }

    @Test
    void eachGroupHasAPrefixCacheOfItsOwn() {
        Scheduler<String> scheduler = scheduler(2, 100, 8, 200);
        add(scheduler, "a", 12, 1);
        scheduler.plan();
        scheduler.stepDone();
        add(scheduler, "b", 12, 1); // to the other group, which doesn't know the tokens
        add(scheduler, "c", 12, 1); // to the first, which does: 2 pages, the last token is computed
        List<StepPlan<String>> plans = scheduler.plan();
        assertThat(names(plans.get(1))).containsExactly("b:12");
        assertThat(names(plans.get(0))).contains("c:4");
        assertThat(metrics.prefixCacheHits.sum()).isEqualTo(8);
        scheduler.check();
    }
}
