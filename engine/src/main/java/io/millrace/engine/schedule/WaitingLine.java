package io.millrace.engine.schedule;

import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Who waits, and who of them is next: the lowest priority number, within one the tenant that was served least, of a tenant's who
 * came first. Knows who runs as well, since a tenant whose sequences all run isn't idle. A priority that nobody has any more is
 * forgotten with its counters. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
final class WaitingLine<C> {
    private final TreeMap<Integer, TenantShares<C>> byPriority = new TreeMap<>();
    private int numWaiting;
    private long numWaitingTokens;

    /** Adds a new sequence. */
    void enter(Sequence<C> s) {
        byPriority
                .computeIfAbsent(s.turn().priority(), p -> new TenantShares<>())
                .enter(s);
        countIn(s);
    }

    /** Returns who is next, null if nobody waits. */
    @Nullable
    Sequence<C> first() {
        for (TenantShares<C> shares : byPriority.values()) {
            Sequence<C> s = shares.first();
            if (s != null) {
                return s;
            }
        }
        return null;
    }

    /** Takes out a sequence that begins to run. */
    void start(Sequence<C> s) {
        sharesOf(s).start(s);
        countOut(s);
    }

    /** Takes back a sequence that ran. */
    void preempt(Sequence<C> s) {
        sharesOf(s).preempt(s);
        countIn(s);
    }

    /** Counts tokens that a running sequence was served. */
    void charge(Sequence<C> s, int numTokens) {
        sharesOf(s).charge(s, numTokens);
    }

    /** Forgets a sequence, which waits or runs. */
    void leave(Sequence<C> s) {
        TenantShares<C> shares = sharesOf(s);
        shares.leave(s);
        if (shares.isEmpty()) {
            byPriority.remove(s.turn().priority());
        }
        if (s.state() == SequenceState.WAITING) {
            countOut(s);
        }
    }

    int numWaiting() {
        return numWaiting;
    }

    /** Returns the known tokens of those who wait, prompt and kept or preempted ones. */
    long numWaitingTokens() {
        return numWaitingTokens;
    }

    private void countIn(Sequence<C> s) {
        numWaiting++;
        numWaitingTokens += s.numTokens();
    }

    private void countOut(Sequence<C> s) {
        numWaiting--;
        numWaitingTokens -= s.numTokens();
    }

    private TenantShares<C> sharesOf(Sequence<C> s) {
        return Objects.requireNonNull(byPriority.get(s.turn().priority()), "a sequence that never entered");
    }
}
