package io.millrace.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.KvPool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Shares of tenants, counted here from the steps' plans: every token that goes through the model is one token served. */
class FairnessTest {
    private static final SamplingParams PARAMS = SamplingParams.resolve(SamplingOptions.NONE, 0);

    private final EngineMetrics metrics = new EngineMetrics();
    private final SplittableRandom random = new SplittableRandom(42);
    private final Scheduler<String> scheduler = new Scheduler<>(new KvPool(200, 16), null, 8, 64, 0, metrics);
    private final Map<String, Long> served = new HashMap<>();
    private final Map<String, Integer> numLive = new HashMap<>();
    private long arrivals;

    private Sequence<String> submit(String tenant, int priority, int promptTokens, int maxTokens) {
        Sequence<String> s = new Sequence<>(
                tenant, PARAMS, 0, new Turn(priority, tenant, arrivals++), new int[promptTokens], maxTokens, null);
        scheduler.add(s);
        numLive.merge(tenant, 1, Integer::sum);
        return s;
    }

    /** Submits until the tenant has that many requests, waiting ones included. */
    private void fill(String tenant, int count, int maxPrompt, int maxTokens) {
        while (numLive.getOrDefault(tenant, 0) < count) {
            submit(tenant, 0, 1 + random.nextInt(maxPrompt), 1 + random.nextInt(maxTokens));
        }
    }

    /** Runs a step as an engine would; every draw is token 7. Returns the tenants in it. */
    private Set<String> step() {
        StepPlan<String> plan = scheduler.plan().get(0);
        scheduler.stepDone();
        Set<String> tenants = new HashSet<>();
        for (int i = 0; i < plan.size(); i++) {
            Sequence<String> s = plan.sequence(i);
            tenants.add(s.companion());
            served.merge(s.companion(), (long) plan.count(i), Long::sum);
            if (s.numMissing() == 0) {
                s.append(7);
                if (s.isFull()) {
                    scheduler.remove(s);
                    numLive.merge(s.companion(), -1, Integer::sum);
                }
            }
        }
        scheduler.check();
        return tenants;
    }

    private double jain(String... tenants) {
        double sum = 0;
        double squares = 0;
        for (String t : tenants) {
            double x = served.getOrDefault(t, 0L);
            sum += x;
            squares += x * x;
        }
        return sum * sum / (tenants.length * squares);
    }

    @Test
    void whoSendsTenTimesMoreIsServedNoMoreThanAnother() {
        for (int i = 0; i < 3000; i++) {
            fill("greedy", 100, 40, 40);
            fill("modest", 10, 40, 40);
            step();
        }
        assertThat(jain("greedy", "modest")).isGreaterThan(0.999);
        assertThat(served.get("modest")).isGreaterThan(5000);
    }

    @Test
    void sharesAreOfTokensNotOfRequests() {
        for (int i = 0; i < 6000; i++) {
            fill("long", 20, 120, 120);
            fill("short", 20, 10, 10);
            step();
        }
        assertThat(jain("long", "short")).isGreaterThan(0.99);
    }

    @Test
    void idlingSavesUpNoBurst() {
        for (int i = 0; i < 1000; i++) {
            fill("a", 30, 40, 40);
            fill("b", 30, 40, 40);
            step();
        }
        long owed = served.get("a"); // what a counter kept from zero would let the newcomer catch up
        served.clear();
        for (int i = 0; i < 300; i++) {
            fill("a", 30, 40, 40);
            fill("b", 30, 40, 40);
            fill("idle before", 30, 40, 40);
            step();
        }
        long total = served.values().stream().mapToLong(Long::longValue).sum();
        assertThat(owed).isGreaterThan(total / 2);
        assertThat((double) served.get("idle before") / total).isBetween(0.28, 0.40);
        assertThat(jain("a", "b", "idle before")).isGreaterThan(0.98);
    }

    @Test
    void whoComesBackAtOnceIsStillChargedForWhatItHad() {
        submit("a", 0, 60, 2);
        submit("b", 0, 4, 30);
        while (numLive.get("a") > 0) {
            step();
        }
        List<Sequence<String>> blockers = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            blockers.add(submit("b", 0, 1, 100)); // all rows are taken now
        }
        step();
        submit("a", 0, 1, 1);
        Sequence<String> b = submit("b", 0, 1, 1);
        scheduler.remove(blockers.get(0));
        step();
        assertThat(b.state()).isEqualTo(SequenceState.FINISHED);
        assertThat(scheduler.numWaiting()).isEqualTo(1);
    }

    @Test
    void priorityComesBeforeShares() {
        fill("a", 50, 40, 40);
        for (int i = 0; i < 20; i++) {
            submit("urgent", -1, 10, 10);
        }
        int numUrgentDone = 0;
        while (numLive.get("urgent") > 0) {
            Set<String> tenants = step();
            assertThat(tenants).contains("urgent");
            numUrgentDone = 20 - numLive.get("urgent");
            if (numUrgentDone < 12) { // rows for all of those that are left
                assertThat(tenants).containsExactly("urgent");
            }
        }
        assertThat(numUrgentDone).isEqualTo(20);
    }

    @Test
    void countsWhatWaits() {
        Sequence<String> a = submit("a", 0, 50, 5);
        submit("b", 1, 30, 5);
        assertThat(scheduler.numWaiting()).isEqualTo(2);
        assertThat(scheduler.numWaitingTokens()).isEqualTo(80);
        step();
        assertThat(scheduler.numWaiting()).isZero();
        assertThat(scheduler.numWaitingTokens()).isZero();
        scheduler.remove(a);
        scheduler.remove(a);
        Sequence<String> c = submit("c", 0, 7, 5);
        scheduler.remove(c);
        assertThat(scheduler.numWaiting()).isZero();
        assertThat(scheduler.numWaitingTokens()).isZero();
    }
}
