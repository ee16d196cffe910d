package io.millrace.engine.schedule;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching: plans every step anew. Decode rows first, then chunks of prompts already begun, then new ones as long as
 * rows, budget and pages allow, each from behind the longest prefix that the cache knows. Who is next says the {@link WaitingLine}.
 * When a decode row finds no page, the last sequence in order (lowest class, youngest) is preempted and recomputed later, with the
 * same bits. Where groups of ranks attend to requests of their own, who is next goes to the group with the fewest tokens that has room,
 * of equals to the first. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
public final class Scheduler<C> {
    private final AttentionGroup.Limits limits;
    private final EngineMetrics metrics;
    private final WaitingLine<C> waiting = new WaitingLine<>();
    private final List<AttentionGroup<C>> groups;
    private final List<StepPlan<C>> plans;

    /** Makes a scheduler of one group: see {@link #Scheduler(List, int, int, int, EngineMetrics)}. */
    public Scheduler(
            KvPool pool,
            @Nullable RadixCache cache,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int numDraftTokens,
            EngineMetrics metrics) {
        this(List.of(new GroupPages(pool, cache)), maxNumSeqs, maxNumBatchedTokens, numDraftTokens, metrics);
    }

    /**
     * Makes a scheduler over empty pools.
     *
     * @param pagesOfGroups each group's, all of the same size
     * @param maxNumSeqs sequences running together at most, all groups together; each group has rows for an equal share, rounded up
     * @param maxNumBatchedTokens tokens of a step at most, decode rows excepted; each group has an equal share, rounded up
     * @param numDraftTokens drafts of a sequence per step at most
     * @param metrics counters to keep
     */
    public Scheduler(
            List<GroupPages> pagesOfGroups,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int numDraftTokens,
            EngineMetrics metrics) {
        this(pagesOfGroups, new AttentionGroup.Limits(maxNumSeqs, maxNumBatchedTokens, numDraftTokens), metrics);
    }

    private Scheduler(List<GroupPages> pagesOfGroups, AttentionGroup.Limits limits, EngineMetrics metrics) {
        this.limits = limits;
        this.metrics = metrics;
        groups = pagesOfGroups.stream()
                .map(pages -> new AttentionGroup<>(pages, limits.share(pagesOfGroups.size()), waiting, metrics))
                .toList();
        plans = groups.stream().map(AttentionGroup::plan).toList();
        metrics.totalPages.set(
                pagesOfGroups.stream().mapToInt(p -> p.pool().numPages()).sum());
        updateGauges();
    }

    /** Returns a group's equal share, rounded up, of what {@code numGroups} groups have together. */
    public static int share(int all, int numGroups) {
        return (all - 1) / numGroups + 1;
    }

    /** Returns a scheduler like this one, over pages of its own numbering, without a cache and with nothing queued. */
    public Scheduler<C> emptyTwin(EngineMetrics twinMetrics) {
        return new Scheduler<>(groups.stream().map(g -> g.pages().emptyTwin()).toList(), limits, twinMetrics);
    }

    /** Returns the counters that this one keeps. */
    public EngineMetrics metrics() {
        return metrics;
    }

    /** Queues a sequence. */
    public void add(Sequence<C> sequence) {
        sequence.queue();
        waiting.enter(sequence);
        updateGauges();
    }

    /** Returns how many sequences wait. */
    public int numWaiting() {
        return waiting.numWaiting();
    }

    /** Returns how many sequences more could run together. */
    public int numFreeRows() {
        return limits.maxNumSeqs() - numRunning();
    }

    private int numRunning() {
        return groups.stream().mapToInt(AttentionGroup::numRunning).sum();
    }

    /** Returns the tokens of the sequences that wait, all that must be computed before they decode. */
    public long numWaitingTokens() {
        return waiting.numWaitingTokens();
    }

    /** Takes a sequence out for good, wherever it is, and frees its pages. */
    public void remove(Sequence<C> sequence) {
        if (sequence.state() == SequenceState.WAITING || sequence.state() == SequenceState.RUNNING) {
            waiting.leave(sequence);
        }
        groups.forEach(g -> g.remove(sequence));
        sequence.stop(SequenceState.FINISHED);
        updateGauges();
    }

    /** Returns each group's part of the next step, all empty if nothing waits or runs. The same objects every time. */
    public List<StepPlan<C>> plan() {
        groups.forEach(AttentionGroup::planRunning);
        admitWaiting();
        updateGauges();
        return plans;
    }

    private void admitWaiting() {
        for (Sequence<C> s = waiting.first(); s != null && numFreeRows() > 0; s = waiting.first()) {
            Sequence<C> next = s;
            if (leastLoadedFirst().stream().noneMatch(g -> g.admit(next))) {
                return;
            }
        }
    }

    private List<AttentionGroup<C>> leastLoadedFirst() {
        return groups.size() == 1
                ? groups
                : groups.stream()
                        .sorted(Comparator.comparingLong(AttentionGroup::numTokens)) // keeps the order of equals
                        .toList();
    }

    /** Notes that the planned step was run: its tokens are in the KV cache. Call before appending what was drawn. */
    public void stepDone() {
        groups.forEach(AttentionGroup::stepDone);
        metrics.steps.increment();
    }

    /** Proves the invariants of every group's pool and cache. */
    public void check() {
        groups.forEach(AttentionGroup::check);
    }

    private void updateGauges() {
        metrics.numRequestsRunning.set(numRunning());
        metrics.numRequestsWaiting.set(waiting.numWaiting());
        metrics.usedPages.set(groups.stream()
                .map(g -> g.pages().pool())
                .mapToInt(pool -> pool.numPages() - pool.numAvailable())
                .sum());
    }
}
