package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    private static final SamplingParams PARAMS = SamplingParams.resolve(SamplingOptions.NONE, 0);

    private final EngineMetrics metrics = new EngineMetrics();
    private long arrivals;

    private Sequence<String> sequence(String name, int priority, int promptTokens, int maxTokens) {
        return new Sequence<>(
                name, PARAMS, 0, new Turn(priority, "", arrivals++), new int[promptTokens], maxTokens, null);
    }

    private static List<String> names(StepPlan<String> plan) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < plan.size(); i++) {
            names.add(plan.sequence(i).companion() + ":" + plan.count(i));
        }
        return names;
    }

    /** Runs the planned step as an engine would; every draw is token 7. */
    private static void finishStep(Scheduler<String> scheduler, StepPlan<String> plan) {
        scheduler.stepDone();
        for (int i = 0; i < plan.size(); i++) {
            Sequence<String> s = plan.sequence(i);
            if (s.numMissing() == 0) {
                s.append(7);
                if (s.isFull()) {
                    scheduler.remove(s);
                }
            }
        }
        scheduler.check();
    }

    private static List<String> step(Scheduler<String> scheduler) {
        StepPlan<String> plan = scheduler.plan().get(0);
        List<String> names = names(plan);
        finishStep(scheduler, plan);
        return names;
    }

    @Test
    void mixesDecodeRowsWithPrefillChunksWithinTheBudget() {
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(100, 64), null, 8, 16, 0, metrics);
        scheduler.add(sequence("a", 0, 10, 5));
        assertThat(step(scheduler)).containsExactly("a:10");
        scheduler.add(sequence("b", 0, 40, 5));
        assertThat(step(scheduler)).containsExactly("a:1", "b:15");
        assertThat(step(scheduler)).containsExactly("a:1", "b:15");
        assertThat(step(scheduler)).containsExactly("a:1", "b:10");
        assertThat(step(scheduler)).containsExactly("a:1", "b:1");
        assertThat(step(scheduler)).containsExactly("b:1");
        assertThat(metrics.promptTokens.sum()).isEqualTo(50);
        assertThat(metrics.recomputedTokens.sum()).isZero();
    }

    @Test
    void servesLowerPriorityNumbersFirstThenArrival() {
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(100, 64), null, 2, 100, 0, metrics);
        scheduler.add(sequence("late", 1, 3, 2));
        scheduler.add(sequence("first", 0, 3, 2));
        scheduler.add(sequence("second", 0, 3, 2));
        assertThat(step(scheduler)).containsExactly("first:3", "second:3");
        assertThat(step(scheduler)).containsExactly("first:1", "second:1");
        assertThat(step(scheduler)).containsExactly("late:3");
    }

    @Test
    void preemptsTheYoungestOfTheLowestClassAndRecomputesIt() {
        // 4 pages of 4 tokens: two prompts of 8 fill the pool; the next token of "old" needs a page.
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(5, 4), null, 8, 100, 0, metrics);
        scheduler.add(sequence("old", 0, 8, 6));
        scheduler.add(sequence("young", 0, 7, 6));
        assertThat(step(scheduler)).containsExactly("old:8", "young:7");
        assertThat(step(scheduler)).containsExactly("old:1", "young:1");
        // old has 10 tokens in 3 pages, young 9 in 2: its ninth needs a sixth page.
        assertThat(step(scheduler)).containsExactly("old:1");
        assertThat(metrics.preemptions.sum()).isEqualTo(1);
        for (int i = 0; i < 3; i++) {
            assertThat(step(scheduler)).containsExactly("old:1");
        }
        assertThat(step(scheduler)).containsExactly("young:9");
        assertThat(metrics.recomputedTokens.sum()).isEqualTo(8);
        assertThat(metrics.promptTokens.sum()).isEqualTo(15);
    }

    @Test
    void removingWhatWaitsOrRunsFreesItsPages() {
        KvPool pool = new KvPool(4, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, null, 1, 100, 0, metrics);
        Sequence<String> running = sequence("running", 0, 8, 6);
        Sequence<String> waiting = sequence("waiting", 0, 8, 6);
        scheduler.add(running);
        scheduler.add(waiting);
        step(scheduler);
        scheduler.remove(running);
        scheduler.remove(waiting);
        scheduler.check();
        assertThat(pool.numFree()).isEqualTo(4);
        assertThat(scheduler.plan().get(0).size()).isZero();
    }

    @Test
    void computesACommonPrefixOnce() {
        KvPool pool = new KvPool(400, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, new RadixCache(pool, new byte[32]), 64, 2048, 0, metrics);
        List<Sequence<String>> all = new ArrayList<>();
        int[] prompt = new SplittableRandom(1).ints(520, 0, 1000).toArray();
        for (int i = 0; i < 200; i++) {
            prompt[512] = i;
            all.add(new Sequence<>("s" + i, PARAMS, 0, new Turn(0, "", arrivals++), prompt, 3, null));
        }
        all.forEach(scheduler::add);
        // Although the budget has room for three more, they wait for what the first one computes.
        assertThat(step(scheduler)).containsExactly("s0:520");
        assertThat(step(scheduler)).hasSize(64).startsWith("s0:1", "s1:8", "s2:8");
        int steps = 2;
        while (all.stream().anyMatch(s -> s.state() != SequenceState.FINISHED)) {
            step(scheduler);
            assertThat(++steps).isLessThan(100);
        }
        assertThat(metrics.promptTokens.sum()).isEqualTo(520 + 199 * 8);
        assertThat(metrics.prefixCacheQueries.sum()).isEqualTo(200 * 520);
        assertThat(metrics.prefixCacheHits.sum()).isEqualTo(199 * 512);
        assertThat(all.get(0).numCachedTokens()).isZero();
        assertThat(all.get(199).numCachedTokens()).isEqualTo(512);
        assertThat(metrics.usedPages.get()).isZero();
        assertThat(pool.numAvailable()).isEqualTo(400);
    }

    @Test
    void aWholeKnownPromptStillComputesItsLastToken() {
        KvPool pool = new KvPool(20, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, new RadixCache(pool, new byte[32]), 4, 100, 0, metrics);
        scheduler.add(sequence("first", 0, 8, 1));
        assertThat(step(scheduler)).containsExactly("first:8");
        scheduler.add(sequence("second", 0, 8, 1));
        assertThat(step(scheduler)).containsExactly("second:4");
        scheduler.add(sequence("longer", 0, 9, 1));
        assertThat(step(scheduler)).containsExactly("longer:1");
    }

    @Test
    void aPreemptedSequenceFindsItsOwnPagesAgain() {
        KvPool pool = new KvPool(5, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, new RadixCache(pool, new byte[32]), 8, 100, 0, metrics);
        int[] other = {9, 9, 9, 9, 9, 9, 9};
        scheduler.add(sequence("old", 0, 8, 5));
        Sequence<String> young = new Sequence<>("young", PARAMS, 0, new Turn(0, "", arrivals++), other, 6, null);
        scheduler.add(young);
        assertThat(step(scheduler)).containsExactly("old:8", "young:7");
        assertThat(step(scheduler)).containsExactly("old:1", "young:1");
        for (int i = 0; i < 3; i++) {
            assertThat(step(scheduler)).containsExactly("old:1");
        }
        assertThat(metrics.preemptions.sum()).isEqualTo(1);
        assertThat(step(scheduler)).containsExactly("young:1"); // 9 tokens; both full pages are still there
        assertThat(young.numRecomputed()).isZero();
        assertThat(young.numCachedTokens()).isZero(); // what counts is the first admission
    }

    @Test
    void draftsAreComputedBehindTheLastTokenAndOnlyTheAcceptedOnesStay() {
        KvPool pool = new KvPool(20, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, null, 4, 100, 2, metrics);
        Sequence<String> s = sequence("s", 0, 4, 6);
        scheduler.add(s);
        assertThat(step(scheduler)).containsExactly("s:4");
        assertThat(s.canDraft(0, 2)).isTrue();
        s.propose(new int[] {7, 8});
        StepPlan<String> plan = scheduler.plan().get(0);
        assertThat(plan.count(0)).isEqualTo(1);
        assertThat(plan.numTokens()).isEqualTo(3);
        assertThat(plan.numDraws(0)).isEqualTo(3);
        plan.accept(0, 1);
        scheduler.stepDone();
        s.append(7);
        s.append(7);
        scheduler.check();
        assertThat(s.numMissing()).isEqualTo(1);
        assertThat(s.numDraftTokens()).isEqualTo(2);
        assertThat(s.numAcceptedTokens()).isEqualTo(1);
        assertThat(metrics.draftTokens.sum()).isEqualTo(2);
        assertThat(metrics.acceptedTokens.sum()).isEqualTo(1);
        assertThat(s.canDraft(0, 2)).isTrue(); // 3 of 6 tokens: room for two drafts and one behind them
        assertThat(s.canDraft(1, 2)).isFalse();
    }

    @Test
    void whatLooksAtEarlierDrawsDraftsNothing() {
        SamplingOptions penalty = new SamplingOptions(
                9, null, null, null, null, null, 0.5, null, null, null, null, null, null, null, null, null);
        Sequence<String> s = new Sequence<>(
                "s", SamplingParams.resolve(penalty, 0), 0, new Turn(0, "", arrivals++), new int[] {1}, 9, null);
        assertThat(s.canDraft(0, 1)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8})
    void finishesEverythingUnderRandomLoadWithTightPages(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int pages = 8 + random.nextInt(8);
        int budget = 1 + random.nextInt(20);
        int maxSeqs = 1 + random.nextInt(6);
        KvPool pool = new KvPool(pages, 4);
        Scheduler<String> scheduler = new Scheduler<>(
                pool, seed < 0 ? new RadixCache(pool, new byte[32]) : null, maxSeqs, budget, 0, metrics);
        List<Sequence<String>> all = new ArrayList<>();
        int steps = 0;
        while (all.size() < 60 || all.stream().anyMatch(s -> s.state() != SequenceState.FINISHED)) {
            if (all.size() < 60 && random.nextInt(3) == 0) {
                int prompt = 1 + random.nextInt(16);
                Sequence<String> s =
                        sequence("s" + all.size(), random.nextInt(2), prompt, 1 + random.nextInt(32 - prompt));
                all.add(s);
                scheduler.add(s);
            }
            if (random.nextInt(50) == 0 && !all.isEmpty()) {
                scheduler.remove(all.get(random.nextInt(all.size())));
            }
            StepPlan<String> plan = scheduler.plan().get(0);
            int decodes = 0;
            for (int i = 0; i < plan.size(); i++) {
                decodes +=
                        plan.sequence(i).numComputed() > 0 && plan.sequence(i).numMissing() == 1 ? 1 : 0;
            }
            assertThat(plan.size()).isLessThanOrEqualTo(maxSeqs);
            assertThat(plan.numTokens()).isLessThanOrEqualTo(Math.max(budget, decodes));
            finishStep(scheduler, plan);
            assertThat(++steps).as("no progress: the scheduler is stuck").isLessThan(20_000);
        }
        assertThat(pool.numAvailable()).isEqualTo(pages);
        assertThat(metrics.prefixCacheHits.sum() > 0).isEqualTo(seed < 0); // all prompts are zeros
    }
}
