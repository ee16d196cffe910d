package io.millrace.engine.schedule;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences of one priority, by tenant, with a counter of the tokens that each tenant was served: a virtual token counter, as
 * in "Fairness in Serving Large Language Models" (OSDI 2024). The least served of those who wait is next. A tenant that comes
 * back from idling starts at the least counter of those who are there, so that it can't save up a burst; what it was served
 * beyond that isn't forgiven. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
final class TenantShares<C> {
    /** Idle tenants whose counters are kept; of more, those that have idled longest start afresh. */
    private static final int MAX_IDLE = 4096;

    /** A tenant that has sequences, waiting or running. */
    private static final class Tenant<C> {
        final TreeSet<Sequence<C>> waiting = new TreeSet<>(Sequence::compare);
        int numSequences;
        long served;

        Tenant(long served) {
            this.served = served;
        }
    }

    private final Map<String, Tenant<C>> present = new HashMap<>();
    private final LinkedHashMap<String, Long> servedOfIdle = new LinkedHashMap<>();

    /** Adds a new sequence to those who wait. */
    void enter(Sequence<C> s) {
        Tenant<C> tenant = present.get(s.turn().tenant());
        if (tenant == null) {
            Long own = servedOfIdle.remove(s.turn().tenant());
            tenant = new Tenant<>(Math.max(own == null ? 0 : own, leastServed()));
            present.put(s.turn().tenant(), tenant);
        }
        tenant.numSequences++;
        tenant.waiting.add(s);
    }

    /** Takes a sequence from those who wait to those who run. */
    void start(Sequence<C> s) {
        tenantOf(s).waiting.remove(s);
    }

    /** Puts a sequence that ran back to those who wait. */
    void preempt(Sequence<C> s) {
        tenantOf(s).waiting.add(s);
    }

    /** Forgets a sequence, wherever it is. */
    void leave(Sequence<C> s) {
        Tenant<C> tenant = tenantOf(s);
        tenant.waiting.remove(s);
        if (--tenant.numSequences == 0) {
            present.remove(s.turn().tenant());
            servedOfIdle.put(s.turn().tenant(), tenant.served);
            if (servedOfIdle.size() > MAX_IDLE) {
                servedOfIdle.remove(servedOfIdle.keySet().iterator().next());
            }
        }
    }

    /** Counts tokens that a sequence was served. */
    void charge(Sequence<C> s, int numTokens) {
        tenantOf(s).served += numTokens;
    }

    /** Returns who is next, null if nobody waits. Looks at every tenant that is there: no more than there are sequences. */
    @Nullable
    Sequence<C> first() {
        return present.values().stream()
                .filter(t -> !t.waiting.isEmpty())
                .min(Comparator.<Tenant<C>>comparingLong(t -> t.served)
                        .thenComparing(t -> t.waiting.first(), Sequence::compare))
                .map(t -> t.waiting.first())
                .orElse(null);
    }

    /** Returns whether no sequence is left, waiting or running. */
    boolean isEmpty() {
        return present.isEmpty();
    }

    private long leastServed() {
        return present.values().stream().mapToLong(t -> t.served).min().orElse(0);
    }

    private Tenant<C> tenantOf(Sequence<C> s) {
        Tenant<C> tenant = present.get(s.turn().tenant());
        if (tenant == null) {
            throw new IllegalStateException("tenant " + s.turn().tenant() + " has no sequence here");
        }
        return tenant;
    }
}
