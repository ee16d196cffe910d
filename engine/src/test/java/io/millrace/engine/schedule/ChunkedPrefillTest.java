package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decode rows beside long prompts: in every step, and no step above the budget, so a token waits for one bounded step. */
class ChunkedPrefillTest {
    private static final SamplingParams PARAMS = SamplingParams.resolve(SamplingOptions.NONE, 0);

    private final EngineMetrics metrics = new EngineMetrics();
    private long arrivals;

    private Sequence<String> sequence(String name, int promptTokens, int maxTokens) {
        return new Sequence<>(name, PARAMS, 0, new Turn(0, "", arrivals++), new int[promptTokens], maxTokens, null);
    }

    /** Runs a step; every draw is token 7. Returns each sequence's tokens in it. */
    private static Map<Sequence<String>, Integer> step(Scheduler<String> scheduler) {
        StepPlan<String> plan = scheduler.plan().get(0);
        Map<Sequence<String>, Integer> counts = new HashMap<>();
        for (int i = 0; i < plan.size(); i++) {
            counts.put(plan.sequence(i), plan.count(i));
        }
        scheduler.stepDone();
        counts.keySet().forEach(s -> {
            if (s.numMissing() == 0) {
                s.append(7);
                if (s.isFull()) {
                    scheduler.remove(s);
                }
            }
        });
        return counts;
    }

    @ParameterizedTest
    @ValueSource(ints = {24, 64, 512})
    void decodeRowsAreInEveryStepAndNoStepIsAboveTheBudget(int budget) {
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(4000, 64), null, 64, budget, 0, metrics);
        List<Sequence<String>> decoding = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            Sequence<String> s = sequence("chat " + i, 1, 1000);
            decoding.add(s);
            scheduler.add(s);
        }
        step(scheduler);
        long prefilled = 0;
        int numSteps = 500;
        for (int i = 0; i < numSteps; i++) {
            if (i % 3 == 0 && metrics.numRequestsWaiting.get() + metrics.numRequestsRunning.get() < 60) {
                scheduler.add(sequence("long", 1500, 4));
            }
            Map<Sequence<String>, Integer> counts = step(scheduler);
            for (Sequence<String> s : decoding) {
                assertThat(counts).containsEntry(s, 1);
            }
            int tokens = counts.values().stream().mapToInt(Integer::intValue).sum();
            assertThat(tokens).isLessThanOrEqualTo(budget);
            prefilled += tokens - 16;
        }
        decoding.forEach(s -> assertThat(s.numOutputTokens()).isEqualTo(numSteps + 1));
        assertThat(prefilled).as("the rest of every step is used").isEqualTo((long) (budget - 16) * numSteps);
    }

    @Test
    void theOlderPromptIsFinishedBeforeAYoungerOneIsBegun() {
        Scheduler<String> scheduler = new Scheduler<>(new KvPool(4000, 64), null, 64, 100, 0, metrics);
        Sequence<String> old = sequence("old", 150, 2);
        Sequence<String> young = sequence("young", 150, 2);
        scheduler.add(old);
        scheduler.add(young);
        assertThat(step(scheduler)).isEqualTo(Map.of(old, 100));
        assertThat(step(scheduler)).isEqualTo(Map.of(old, 50, young, 50));
        assertThat(step(scheduler)).isEqualTo(Map.of(old, 1, young, 99));
    }
}
