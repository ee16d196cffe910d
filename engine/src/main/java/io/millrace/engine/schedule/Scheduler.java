package io.millrace.engine.schedule;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching: plans every step anew. Decode rows first, then chunks of prompts already begun, then new ones as long as
 * rows, budget and pages allow, each from behind the longest prefix that the cache knows. When a decode row finds no page, the last sequence in order (lowest class, youngest) is preempted
 * and recomputed later, with the same bits. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
public final class Scheduler<C> {
    private final KvPool pool;
    private final @Nullable RadixCache cache;
    private final int maxNumSeqs;
    private final int maxNumBatchedTokens;
    private final PrefillBudget budget;
    private final EngineMetrics metrics;
    private final TreeSet<Sequence<C>> waiting = new TreeSet<>(Sequence::compare);
    private final TreeSet<Sequence<C>> running = new TreeSet<>(Sequence::compare);
    private final StepPlan<C> plan = new StepPlan<>();

    /**
     * Makes a scheduler over an empty pool.
     *
     * @param pool pages; must hold at least one full context
     * @param cache over the same pool; null = prompts aren't shared
     * @param maxNumSeqs sequences running together at most
     * @param maxNumBatchedTokens tokens of a step at most, decode rows excepted
     * @param metrics counters to keep
     */
    public Scheduler(
            KvPool pool, @Nullable RadixCache cache, int maxNumSeqs, int maxNumBatchedTokens, EngineMetrics metrics) {
        this.pool = pool;
        this.cache = cache;
        this.maxNumSeqs = maxNumSeqs;
        this.maxNumBatchedTokens = maxNumBatchedTokens;
        this.budget = new PrefillBudget(maxNumBatchedTokens);
        this.metrics = metrics;
        metrics.totalPages.set(pool.numPages());
        updateGauges();
    }

    /** Returns a scheduler like this one, over pages of its own numbering, without a cache and with nothing queued. */
    public Scheduler<C> emptyTwin(EngineMetrics twinMetrics) {
        return new Scheduler<>(
                new KvPool(pool.numPages(), pool.pageTokens()), null, maxNumSeqs, maxNumBatchedTokens, twinMetrics);
    }

    /** Returns the counters that this one keeps. */
    public EngineMetrics metrics() {
        return metrics;
    }

    /** Queues a sequence. */
    public void add(Sequence<C> sequence) {
        waiting.add(sequence);
        updateGauges();
    }

    /** Takes a sequence out for good, wherever it is, and frees its pages. */
    public void remove(Sequence<C> sequence) {
        waiting.remove(sequence);
        running.remove(sequence);
        sequence.stop(SequenceState.FINISHED);
        updateGauges();
    }

    /** Returns the next step, empty if nothing waits or runs. The same object every time. */
    public StepPlan<C> plan() {
        plan.clear();
        budget.startStep();
        planDecodes();
        planBegunPrefills();
        admitWaiting();
        updateGauges();
        return plan;
    }

    /** Notes that the planned step was run: its tokens are in the KV cache. Call before appending what was drawn. */
    public void stepDone() {
        for (int i = 0; i < plan.size(); i++) {
            Sequence<C> s = plan.sequence(i);
            int promptBefore = Math.min(s.numComputed(), s.numPromptTokens());
            int recomputed = plan.count(i) - s.advance(plan.count(i));
            metrics.recomputedTokens.add(recomputed);
            metrics.promptTokens.add(
                    Math.max(0, Math.min(s.numComputed(), s.numPromptTokens()) - promptBefore - recomputed));
            if (cache != null) {
                s.offerTo(cache);
            }
        }
        metrics.steps.increment();
    }

    private void planDecodes() {
        for (Sequence<C> s : List.copyOf(running)) {
            if (s.state() == SequenceState.RUNNING && s.numMissing() == 1 && findPages(s)) {
                plan.add(s, 1);
                budget.spendDecodeRow();
            }
        }
    }

    /** Makes room for the sequence's last token; preempts from the end of the order, at worst the sequence itself. */
    private boolean findPages(Sequence<C> s) {
        while (!pool.canTake(s.blockTable().missingPages(s.numTokens()))) {
            Sequence<C> victim = running.last();
            preempt(victim);
            if (victim == s) {
                return false;
            }
        }
        s.blockTable().growTo(s.numTokens());
        return true;
    }

    private void preempt(Sequence<C> victim) {
        running.remove(victim);
        victim.stop(SequenceState.WAITING);
        waiting.add(victim);
        metrics.preemptions.increment();
    }

    private void planBegunPrefills() {
        for (Sequence<C> s : running) {
            if (budget.isSpent()) {
                return;
            }
            if (s.numMissing() > 1) {
                plan.add(s, budget.takeChunk(s.numMissing()));
            }
        }
    }

    private void admitWaiting() {
        while (!waiting.isEmpty() && running.size() < maxNumSeqs && !budget.isSpent()) {
            Sequence<C> s = waiting.first();
            BlockTable pages = new BlockTable(pool);
            int hitTokens = cache == null ? 0 : s.shareFrom(cache, pages);
            // All pages of what is known at once, and one in a hundred spare, so that those who run can grow before
            // anybody is preempted.
            int spare = running.isEmpty() ? 0 : Math.max(1, pool.numPages() / 100);
            if (isBeingComputed(s, pages.numPages()) || !pool.canTake(pages.missingPages(s.numTokens()) + spare)) {
                pages.releaseAll();
                return;
            }
            waiting.remove(s);
            pages.growTo(s.numTokens());
            if (s.start(pages, hitTokens) && cache != null) {
                metrics.prefixCacheQueries.add(s.numPromptTokens());
                metrics.prefixCacheHits.add(s.numCachedTokens());
            }
            running.add(s);
            plan.add(s, budget.takeChunk(s.numMissing()));
        }
    }

    /** Whether a running prefill will have filled this very page soon: then it is better shared than computed twice. */
    private boolean isBeingComputed(Sequence<C> s, int page) {
        return (page + 1) * pool.pageTokens() < s.numTokens()
                && running.stream().anyMatch(r -> r.numMissing() > 1 && r.hasPageOf(s, page));
    }

    /** Returns every sequence that waits or runs, in no particular order. */
    public List<Sequence<C>> all() {
        List<Sequence<C>> all = new ArrayList<>(waiting);
        all.addAll(running);
        return all;
    }

    /** Proves the pool's invariant against the running sequences' tables, and the cache's. */
    public void check() {
        if (cache != null) {
            cache.check();
        }
        pool.check(running.stream().map(Sequence::blockTable).toList());
    }

    private void updateGauges() {
        metrics.numRequestsRunning.set(running.size());
        metrics.numRequestsWaiting.set(waiting.size());
        metrics.usedPages.set(pool.numPages() - pool.numAvailable());
    }
}
