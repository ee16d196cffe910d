package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
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
        return new Sequence<>(name, PARAMS, 0, priority, arrivals++, new int[promptTokens], maxTokens);
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
        StepPlan<String> plan = scheduler.plan();
        List<String> names = names(plan);
        finishStep(scheduler, plan);
        return names;
    }

    @Test
    void mixesDecodeRowsWithPrefillChunksWithinTheBudget() {
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(100, 64), 8, 16, metrics);
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
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(100, 64), 2, 100, metrics);
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
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(5, 4), 8, 100, metrics);
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
        Scheduler<String> scheduler = new Scheduler<>(pool, 1, 100, metrics);
        Sequence<String> running = sequence("running", 0, 8, 6);
        Sequence<String> waiting = sequence("waiting", 0, 8, 6);
        scheduler.add(running);
        scheduler.add(waiting);
        step(scheduler);
        scheduler.remove(running);
        scheduler.remove(waiting);
        scheduler.check();
        assertThat(pool.numFree()).isEqualTo(4);
        assertThat(scheduler.plan().size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void finishesEverythingUnderRandomLoadWithTightPages(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int pages = 8 + random.nextInt(8);
        int budget = 1 + random.nextInt(20);
        int maxSeqs = 1 + random.nextInt(6);
        KvPool pool = new KvPool(pages, 4);
        Scheduler<String> scheduler = new Scheduler<>(pool, maxSeqs, budget, metrics);
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
            StepPlan<String> plan = scheduler.plan();
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
        assertThat(pool.numFree()).isEqualTo(pages);
    }
}
