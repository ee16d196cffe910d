package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A thousand requests behind one system prompt of 512 tokens, in pages as the engine's: what is prefilled, counted from the plans. */
class SharedPrefixTest {
    private static final SamplingParams PARAMS = SamplingParams.resolve(SamplingOptions.NONE, 0);
    private static final int NUM_REQUESTS = 1000;

    private final EngineMetrics metrics = new EngineMetrics();

    /** Runs all of them; returns the prompt tokens that went through the model. */
    private long prefill(boolean isCacheOn, int numSalts) {
        SplittableRandom random = new SplittableRandom(7);
        int[] system = random.ints(512, 0, 1000).toArray();
        KvPool pool = new KvPool(700, 64);
        RadixCache cache = isCacheOn ? new RadixCache(pool, new byte[32]) : null;
        Scheduler<String> scheduler = new Scheduler<>(pool, cache, 64, 512, 0, metrics);
        for (int i = 0; i < NUM_REQUESTS; i++) {
            int[] prompt = java.util.Arrays.copyOf(system, 512 + 1 + random.nextInt(30));
            for (int k = 512; k < prompt.length; k++) {
                prompt[k] = random.nextInt(1000);
            }
            scheduler.add(new Sequence<>("s", PARAMS, 0, new Turn(0, "", i), prompt, 4, salt(numSalts, i)));
        }
        long computed = 0;
        for (StepPlan<String> plan = scheduler.plan().get(0);
                plan.size() > 0;
                plan = scheduler.plan().get(0)) {
            for (int i = 0; i < plan.size(); i++) {
                Sequence<String> s = plan.sequence(i);
                computed +=
                        Math.max(0, Math.min(s.numComputed() + plan.count(i), s.numPromptTokens()) - s.numComputed());
            }
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
        return computed;
    }

    private static @Nullable String salt(int numSalts, int i) {
        return numSalts == 0 ? null : "tenant " + i % numSalts;
    }

    @Test
    void costsAFewPercentOfThePrefillWithoutReuse() {
        long without = prefill(false, 0);
        long with = prefill(true, 0);
        assertThat(without).isGreaterThan(520_000);
        assertThat((double) with / without).isLessThan(0.05);
        double hitRate = (double) metrics.prefixCacheHits.sum() / metrics.prefixCacheQueries.sum();
        assertThat(hitRate).isBetween(0.95, 1.0);
        assertThat(metrics.prefixCacheHits.sum()).isEqualTo(999 * 512);
        assertThat(metrics.promptTokens.sum()).isEqualTo(with + without);
    }

    @Test
    void everySaltPaysForItsOwnPrefix() {
        long shared = prefill(true, 0);
        long hits = metrics.prefixCacheHits.sum();
        long salted = prefill(true, 5);
        assertThat(salted - shared).isEqualTo(4 * 512);
        assertThat(metrics.prefixCacheHits.sum() - hits).isEqualTo((NUM_REQUESTS - 5) * 512);
    }
}
