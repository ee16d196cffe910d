package io.millrace.engine.schedule;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.kv.KvPool;
import io.millrace.engine.kv.RadixCache;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching: plans every step anew. Decode rows first, then chunks of prompts already begun, then new ones as long as
 * rows, budget and pages allow, each from behind the longest prefix that the cache knows. Who is next says the {@link WaitingLine}.
 * When a decode row finds no page, the last sequence in order (lowest class, youngest) is preempted and recomputed later, with the
 * same bits. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
public final class Scheduler<C> {
    private final KvPool pool;
    private final @Nullable RadixCache cache;
    private final int maxNumSeqs;
    private final int maxNumBatchedTokens;
    private final int numDraftTokens;
    private final PrefillBudget budget;
    private final EngineMetrics metrics;
    private final WaitingLine<C> waiting = new WaitingLine<>();
    private final TreeSet<Sequence<C>> running = new TreeSet<>(Sequence::compare);
    private final StepPlan<C> plan = new StepPlan<>();

    /**
     * Makes a scheduler over an empty pool.
     *
     * @param pool pages; must hold at least one full context
     * @param cache over the same pool; null = prompts aren't shared
     * @param maxNumSeqs sequences running together at most
     * @param maxNumBatchedTokens tokens of a step at most, decode rows excepted
     * @param numDraftTokens drafts of a sequence per step at most
     * @param metrics counters to keep
     */
    public Scheduler(
            KvPool pool,
            @Nullable RadixCache cache,
            int maxNumSeqs,
            int maxNumBatchedTokens,
            int numDraftTokens,
            EngineMetrics metrics) {
        this.pool = pool;
        this.cache = cache;
        this.maxNumSeqs = maxNumSeqs;
        this.maxNumBatchedTokens = maxNumBatchedTokens;
        this.numDraftTokens = numDraftTokens;
        this.budget = new PrefillBudget(maxNumBatchedTokens);
        this.metrics = metrics;
        metrics.totalPages.set(pool.numPages());
        updateGauges();
    }

    /** Returns a scheduler like this one, over pages of its own numbering, without a cache and with nothing queued. */
    public Scheduler<C> emptyTwin(EngineMetrics twinMetrics) {
        return new Scheduler<>(
                new KvPool(pool.numPages(), pool.pageTokens()),
                null,
                maxNumSeqs,
                maxNumBatchedTokens,
                numDraftTokens,
                twinMetrics);
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
        return maxNumSeqs - running.size();
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
            int kept = plan.count(i) + plan.numAccepted(i);
            int recomputed = kept - s.advance(kept);
            int ofPrompt = Math.max(0, Math.min(s.numComputed(), s.numPromptTokens()) - promptBefore - recomputed);
            metrics.recomputedTokens.add(recomputed);
            metrics.promptTokens.add(ofPrompt);
            waiting.charge(s, kept - recomputed - ofPrompt);
            if (plan.drafts(i).length > 0) {
                s.verified(plan.drafts(i).length, plan.numAccepted(i));
                metrics.draftTokens.add(plan.drafts(i).length);
                metrics.acceptedTokens.add(plan.numAccepted(i));
            }
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
                budget.spendDecodeRows(1 + s.drafts().length);
            }
        }
    }

    /** Makes room for the sequence's last token and drafts; preempts from the end of the order, at worst the sequence itself. */
    private boolean findPages(Sequence<C> s) {
        int numTokens = s.numTokensWithDrafts(numDraftTokens);
        while (!pool.canTake(s.blockTable().missingPages(numTokens))) {
            Sequence<C> victim = running.last();
            preempt(victim);
            if (victim == s) {
                return false;
            }
        }
        s.blockTable().growTo(numTokens);
        return true;
    }

    private void preempt(Sequence<C> victim) {
        running.remove(victim);
        victim.stop(SequenceState.WAITING);
        waiting.preempt(victim);
        metrics.preemptions.increment();
    }

    private void planBegunPrefills() {
        for (Sequence<C> s : running) {
            if (budget.isSpent()) {
                return;
            }
            if (s.numMissing() > 1) {
                plan.add(s, takeChunk(s));
            }
        }
    }

    private void admitWaiting() {
        for (Sequence<C> s = waiting.first();
                s != null && running.size() < maxNumSeqs && !budget.isSpent();
                s = waiting.first()) {
            int numTokens = s.numTokensWithDrafts(numDraftTokens);
            BlockTable pages = new BlockTable(pool);
            int hitTokens = cache == null ? 0 : s.shareFrom(cache, pages);
            // All pages of what is known at once, and one in a hundred spare, so that those who run can grow before
            // anybody is preempted.
            int spare = running.isEmpty() ? 0 : Math.max(1, pool.numPages() / 100);
            if (isBeingComputed(s, pages.numPages()) || !pool.canTake(pages.missingPages(numTokens) + spare)) {
                pages.releaseAll();
                return;
            }
            waiting.start(s);
            pages.growTo(numTokens);
            if (s.start(pages, hitTokens)) {
                countFirstStart(s);
            }
            running.add(s);
            plan.add(s, takeChunk(s));
        }
    }

    /** A row of logits each is kept for those who may still come in this step, the one it is for among those running; the rest may score. */
    private int takeChunk(Sequence<C> s) {
        int numOthers = running.size() + waiting.numWaiting() - plan.size() - 1;
        int numLater = Math.max(0, Math.min(maxNumSeqs - plan.size() - 1, numOthers));
        int rows = maxNumSeqs * (1 + numDraftTokens) - plan.numLogitRows() - numLater;
        return budget.takeChunk(s.numMissingWithin(rows));
    }

    /** The prompt is charged here, where it is known whether it is cached; what is drawn is charged when it is computed. */
    private void countFirstStart(Sequence<C> s) {
        waiting.charge(s, s.numPromptTokens() - s.numCachedTokens());
        if (cache != null) {
            metrics.prefixCacheQueries.add(s.numPromptTokens());
            metrics.prefixCacheHits.add(s.numCachedTokens());
        }
    }

    /** Whether a running prefill will have filled this very page soon: then it is better shared than computed twice. */
    private boolean isBeingComputed(Sequence<C> s, int page) {
        return (page + 1) * pool.pageTokens() < s.numTokens()
                && running.stream().anyMatch(r -> r.numMissing() > 1 && r.hasPageOf(s, page));
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
        metrics.numRequestsWaiting.set(waiting.numWaiting());
        metrics.usedPages.set(pool.numPages() - pool.numAvailable());
    }
}
