package io.millrace.engine.schedule;

import io.millrace.engine.EngineMetrics;
import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.kv.KvPool;
import java.util.List;
import java.util.TreeSet;

/**
 * The sequences that one group of ranks attends to, and its part of a step. A group has pages of its own, so a sequence stays with it
 * until it ends or is preempted. Thread: the engine loop only.
 *
 * @param <C> the sequences' companions
 */
final class AttentionGroup<C> {
    private final GroupPages pages;
    private final int maxNumSeqs;
    private final int numDraftTokens;
    private final PrefillBudget budget;
    private final WaitingLine<C> waiting;
    private final EngineMetrics metrics;
    private final TreeSet<Sequence<C>> running = new TreeSet<>(Sequence::compare);
    private final StepPlan<C> plan = new StepPlan<>();

    /**
     * Makes a group without sequences.
     *
     * @param limits its own
     * @param waiting where those go that it preempts, shared by all groups
     */
    AttentionGroup(GroupPages pages, Limits limits, WaitingLine<C> waiting, EngineMetrics metrics) {
        this.pages = pages;
        this.maxNumSeqs = limits.maxNumSeqs();
        this.numDraftTokens = limits.numDraftTokens();
        this.budget = new PrefillBudget(limits.maxNumBatchedTokens());
        this.waiting = waiting;
        this.metrics = metrics;
    }

    /**
     * Sizes of a group's steps.
     *
     * @param maxNumSeqs sequences running together at most
     * @param maxNumBatchedTokens tokens of a step at most, decode rows excepted
     * @param numDraftTokens drafts of a sequence per step at most
     */
    record Limits(int maxNumSeqs, int maxNumBatchedTokens, int numDraftTokens) {
        /** Returns one group's. */
        Limits share(int numGroups) {
            return new Limits(
                    Scheduler.share(maxNumSeqs, numGroups),
                    Scheduler.share(maxNumBatchedTokens, numGroups),
                    numDraftTokens);
        }
    }

    GroupPages pages() {
        return pages;
    }

    StepPlan<C> plan() {
        return plan;
    }

    int numRunning() {
        return running.size();
    }

    /** Returns the known tokens of those who run: what their attention reads. */
    long numTokens() {
        return running.stream().mapToLong(Sequence::numTokens).sum();
    }

    /** Plans a step of those who run: decode rows first, then chunks of prompts already begun. */
    void planRunning() {
        plan.clear();
        budget.startStep();
        planDecodes();
        planBegunPrefills();
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
        while (!pages.pool().canTake(s.blockTable().missingPages(numTokens))) {
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

    /**
     * Begins a waiting sequence, from behind the longest prefix that the group's cache knows, if rows, budget and pages allow.
     *
     * @return whether it runs here now
     */
    boolean admit(Sequence<C> s) {
        if (running.size() == maxNumSeqs || budget.isSpent()) {
            return false;
        }
        KvPool pool = pages.pool();
        int numTokens = s.numTokensWithDrafts(numDraftTokens);
        BlockTable table = new BlockTable(pool);
        int hitTokens = pages.cache() == null ? 0 : s.shareFrom(pages.cache(), table);
        // All pages of what is known at once, and one in a hundred spare, so that those who run can grow before
        // anybody is preempted.
        int spare = running.isEmpty() ? 0 : Math.max(1, pool.numPages() / 100);
        if (isBeingComputed(s, table.numPages()) || !pool.canTake(table.missingPages(numTokens) + spare)) {
            table.releaseAll();
            return false;
        }
        waiting.start(s);
        table.growTo(numTokens);
        if (s.start(table, hitTokens)) {
            countFirstStart(s);
        }
        running.add(s);
        plan.add(s, takeChunk(s));
        return true;
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
        if (pages.cache() != null) {
            metrics.prefixCacheQueries.add(s.numPromptTokens());
            metrics.prefixCacheHits.add(s.numCachedTokens());
        }
    }

    /** Whether a running prefill will have filled this very page soon: then it is better shared than computed twice. */
    private boolean isBeingComputed(Sequence<C> s, int page) {
        return (page + 1) * pages.pool().pageTokens() < s.numTokens()
                && running.stream().anyMatch(r -> r.numMissing() > 1 && r.hasPageOf(s, page));
    }

    /** Notes that the planned step was run: its tokens are in the KV cache. */
    void stepDone() {
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
            if (pages.cache() != null) {
                s.offerTo(pages.cache());
            }
        }
    }

    /** Forgets a sequence that may run here. */
    void remove(Sequence<C> s) {
        running.remove(s);
    }

    /** Proves the pool's invariant against the running sequences' tables, and the cache's. */
    void check() {
        if (pages.cache() != null) {
            pages.cache().check();
        }
        pages.pool().check(running.stream().map(Sequence::blockTable).toList());
    }
}
