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

/** Prompts whose tokens are scored: which rows of logits they take, and that every token is scored once. */
class ScoredPrefillTest {
    private static final SamplingParams PARAMS = SamplingParams.resolve(SamplingOptions.NONE, 0);

    private final EngineMetrics metrics = new EngineMetrics();
    private long arrivals;

    private Sequence<List<Integer>> sequence(int promptTokens, int firstScored, int maxTokens) {
        Sequence<List<Integer>> s = new Sequence<>(
                new ArrayList<>(), PARAMS, 0, new Turn(0, "", arrivals++), new int[promptTokens], maxTokens, null);
        s.score(firstScored, 0);
        return s;
    }

    /** Runs a step as an engine would; every scored index goes to its sequence's list. Returns the rows of logits. */
    private static int step(Scheduler<List<Integer>> scheduler) {
        StepPlan<List<Integer>> plan = scheduler.plan().get(0);
        int rows = 0;
        for (int i = 0; i < plan.size(); i++) {
            Sequence<List<Integer>> s = plan.sequence(i);
            assertThat(plan.firstScore(i)).isEqualTo(rows);
            assertThat(plan.firstDraw(i)).isEqualTo(rows + plan.numScores(i));
            for (int k = 0; k < plan.numScores(i); k++) {
                int index = s.nextScored() + k;
                assertThat(index - 1)
                        .as("its row is computed")
                        .isBetween(s.numComputed(), s.numComputed() + plan.count(i) - 1);
                s.companion().add(index);
            }
            rows += plan.numScores(i) + plan.numDraws(i);
        }
        assertThat(plan.numLogitRows()).isEqualTo(rows);
        scheduler.stepDone();
        for (int i = 0; i < plan.size(); i++) {
            Sequence<List<Integer>> s = plan.sequence(i);
            s.scored(plan.numScores(i));
            if (s.numMissing() == 0) {
                s.append(7);
                if (s.isFull()) {
                    scheduler.remove(s);
                }
            }
        }
        scheduler.check();
        return plan.size() == 0 ? -1 : rows;
    }

    private static List<Integer> indices(int from, int to) {
        List<Integer> all = new ArrayList<>();
        for (int i = from; i < to; i++) {
            all.add(i);
        }
        return all;
    }

    @Test
    void takesAsManyRowsAsAreFree() {
        Scheduler<List<Integer>> scheduler = new Scheduler<>(new KvPool(100, 64), null, 8, 100, 0, metrics);
        Sequence<List<Integer>> s = sequence(40, 21, 1);
        scheduler.add(s);
        assertThat(step(scheduler)).isEqualTo(8);
        assertThat(s.numComputed()).isEqualTo(20 + 8); // the first 20 need no row
        scheduler.add(sequence(5, 5, 1));
        scheduler.add(sequence(5, 5, 1));
        assertThat(step(scheduler)).isEqualTo(8); // two are kept for those
        assertThat(s.numComputed()).isEqualTo(20 + 8 + 6);
        assertThat(step(scheduler)).isEqualTo(6);
        assertThat(s.state()).isEqualTo(SequenceState.FINISHED);
        assertThat(s.companion()).isEqualTo(indices(21, 40));
    }

    @Test
    void aKnownPrefixIsSharedUpToWhatIsScored() {
        KvPool pool = new KvPool(40, 4);
        Scheduler<List<Integer>> scheduler =
                new Scheduler<>(pool, new RadixCache(pool, new byte[32]), 64, 100, 0, metrics);
        for (int firstScored : new int[] {24, 24, 13, 12, 1}) {
            Sequence<List<Integer>> s = sequence(24, firstScored, 1);
            scheduler.add(s);
            while (s.state() != SequenceState.FINISHED) {
                step(scheduler);
            }
            assertThat(s.companion()).isEqualTo(indices(firstScored, 24));
            assertThat(s.numCachedTokens()).isLessThan(firstScored).isLessThanOrEqualTo(20);
            assertThat(firstScored == 24 || s.numCachedTokens() == (firstScored - 1) / 4 * 4)
                    .isTrue();
        }
    }

    @Test
    void everyTokenIsScoredOnceUnderPreemptionAndWhateverTheRows() {
        SplittableRandom random = new SplittableRandom(5);
        for (int round = 0; round < 200; round++) {
            int maxNumSeqs = 1 + random.nextInt(6);
            int drafts = random.nextInt(2);
            KvPool pool = new KvPool(12, 4);
            Scheduler<List<Integer>> scheduler = new Scheduler<>(
                    pool,
                    random.nextBoolean() ? new RadixCache(pool, new byte[32]) : null,
                    maxNumSeqs,
                    1 + random.nextInt(20),
                    drafts,
                    metrics);
            List<Sequence<List<Integer>>> all = new ArrayList<>();
            List<Integer> firsts = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                int promptTokens = 1 + random.nextInt(24);
                firsts.add(1 + random.nextInt(promptTokens));
                all.add(sequence(promptTokens, firsts.get(i), 1 + random.nextInt(12)));
                scheduler.add(all.get(i));
            }
            int steps = 0;
            for (int rows = step(scheduler); rows >= 0; rows = step(scheduler)) {
                assertThat(rows).isLessThanOrEqualTo(maxNumSeqs * (1 + drafts));
                assertThat(++steps).isLessThan(2000);
            }
            for (int i = 0; i < 6; i++) {
                assertThat(all.get(i).companion())
                        .isEqualTo(indices(firsts.get(i), all.get(i).numPromptTokens()));
            }
        }
        assertThat(metrics.preemptions.sum()).isGreaterThan(20);
    }
}
