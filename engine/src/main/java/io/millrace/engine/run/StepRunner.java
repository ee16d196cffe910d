package io.millrace.engine.run;

import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.sample.Verifier;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.engine.structure.GrammarMask;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.Rank;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs planned steps over all ranks of a plan: every rank computes its share of its group's part, the first rank of each group draws.
 * Sequences change only between the ranks' turns, by the calling thread. Thread: the engine loop only.
 */
public final class StepRunner {
    private final RankGroup ranks;
    /** One per rank. */
    private final List<ModelRunner> runners;
    /** One per group. */
    private final List<Sampler> samplers;
    /** One per group; empty if nothing is drafted. */
    private final List<Drafter> drafters;

    private final StepLimits limits;
    private final int[] endIds;
    /** Whether decode steps are captured: on cuda, where a launch costs more than the smallest kernels; not yet with drafts. */
    private final boolean isCapturing;

    private StepRunner(
            RankGroup ranks,
            List<ModelRunner> runners,
            List<Sampler> samplers,
            List<Drafter> drafters,
            StepLimits limits,
            int[] endIds) {
        this.ranks = ranks;
        this.runners = runners;
        this.samplers = samplers;
        this.drafters = drafters;
        this.limits = limits;
        this.endIds = endIds.clone();
        isCapturing = limits.numDraftTokens() == 0 && ranks.backendName().equals("cuda");
    }

    /**
     * Makes a runner with the buffers that it needs on each rank.
     *
     * @param models one per rank
     * @param pages numbers and size of the pages of a group's KV pool
     * @param limits sizes of a step of one group
     * @param numTokens ids ≥ this are padding rows of the head and never drawn
     * @param endIds ids that end a sequence, masked until {@code min_tokens}
     */
    public static StepRunner of(
            RankGroup ranks, List<DeepSeekModel> models, Pages pages, StepLimits limits, int numTokens, int[] endIds) {
        List<ModelRunner> runners = ranks.onEachRank(rank -> {
            DeepSeekModel model = models.get(rank.index());
            return ModelRunner.of(model, pages, rank, limits);
        });
        List<Sampler> samplers = new ArrayList<>();
        List<Drafter> drafters = new ArrayList<>();
        for (Rank first : ranks.firstOfGroups()) {
            samplers.add(new Sampler(first, limits.maxLogitRows(), numTokens));
            if (limits.numDraftTokens() > 0) {
                drafters.add(new Drafter(limits, new Sampler(first, limits.maxSeqs(), numTokens)));
            }
        }
        return new StepRunner(ranks, runners, samplers, drafters, limits, endIds);
    }

    /** Pages of a KV pool. */
    public record Pages(int count, int tokensOfEach) {
        /** Returns the page behind them, which no sequence has. */
        int spare() {
            return count;
        }
    }

    /** Returns a runner of the models' {@link DeepSeekModel#shallow} with this one's buffers, samplers and drafters. */
    public StepRunner shallow() {
        List<ModelRunner> shallow = runners.stream().map(ModelRunner::shallow).toList();
        return new StepRunner(ranks, shallow, samplers, drafters, limits, endIds);
    }

    /**
     * Runs a step, verifies its drafts and proposes new ones.
     *
     * @param plans each group's part
     * @return for each group what holds a row for each score and draw of its plan
     * @throws io.millrace.kernels.DeviceException if a rank failed; none will run again
     */
    public <P extends StepPlan<?>> List<Sampler> run(List<P> plans) {
        for (int g = 0; g < plans.size(); g++) {
            addRows(plans.get(g), samplers.get(g));
        }
        if (isCapturing && plans.stream().allMatch(StepPlan::isDecode)) {
            runBucket(plans);
        } else {
            GroupRows rows =
                    GroupRows.of(plans.stream().mapToInt(StepPlan::numTokens).toArray());
            ranks.forEachRank(
                    (rank, group) -> runners.get(rank.index()).run(plans.get(group), rows, samplerOf(rank, group)));
        }
        for (int g = 0; g < plans.size(); g++) {
            verify(plans.get(g), samplers.get(g));
        }
        if (!drafters.isEmpty()) {
            draft(plans);
        }
        return samplers;
    }

    /** Returns how long the model's layers, those that draft included, took on the first rank in the last {@link #run}. */
    public long forwardNanos() {
        return runners.get(0).forwardNanos();
    }

    private void addRows(StepPlan<?> plan, Sampler sampler) {
        sampler.startStep();
        for (int i = 0; i < plan.size(); i++) {
            Sequence<?> s = plan.sequence(i);
            for (int k = 0; k < plan.numScores(i); k++) {
                sampler.addGiven(s.token(s.nextScored() + k), s.topLogprobsOfScores());
            }
            for (int k = 0; k < plan.numDraws(i); k++) {
                addRow(sampler, s, plan.drafts(i), k);
            }
        }
    }

    /** {@code ahead}: behind how many of the drafts the row is; what may come there depends on them. */
    private void addRow(Sampler sampler, Sequence<?> s, int[] drafts, int ahead) {
        GrammarMask mask = s.mask();
        GrammarMask.Allowed allowed = mask == null ? null : mask.allowed(mask.after(drafts, ahead));
        sampler.add(s.params(), s.numOutputTokens() + ahead, s.sampleIndex(), s.penalties(), endIds, allowed);
    }

    private static void verify(StepPlan<?> plan, Sampler drawn) {
        for (int i = 0; i < plan.size() && plan.numLogitRows() > 0; i++) {
            plan.accept(i, Verifier.numAccepted(plan.drafts(i), drawn, plan.firstDraw(i)));
        }
    }

    private void draft(List<? extends StepPlan<?>> plans) {
        for (int g = 0; g < plans.size(); g++) {
            drafters.get(g).begin(plans.get(g), samplers.get(g));
        }
        ranks.forEachRank((rank, group) -> runners.get(rank.index()).draft(drafters.get(group), isFirst(rank)));
        drafters.forEach(d -> d.take(0));
        GroupRows rows = GroupRows.of(drafters.stream().mapToInt(Drafter::size).toArray());
        for (int k = 1; k < limits.numDraftTokens() && rows.total() > 0; k++) {
            int next = k;
            ranks.forEachRank(
                    (rank, group) -> runners.get(rank.index()).draftFurther(drafters.get(group), rows, isFirst(rank)));
            drafters.forEach(d -> d.take(next));
        }
    }

    /** All groups take the same bucket, that of the one with most sequences: their ranks exchange rows in captured steps. */
    private void runBucket(List<? extends StepPlan<?>> plans) {
        int most = plans.stream().mapToInt(StepPlan::size).max().orElse(0);
        int bucket = StepGraphs.bucket(most, limits.maxSeqs());
        int[] rows = new int[plans.size()];
        Arrays.fill(rows, bucket);
        GroupRows groups = GroupRows.of(rows);
        ranks.forEachRank((rank, group) ->
                runners.get(rank.index()).runBucket(plans.get(group), groups, bucket, samplerOf(rank, group)));
    }

    /** Returns what draws on a rank, null if none does. */
    private @Nullable Sampler samplerOf(Rank rank, int group) {
        return isFirst(rank) ? samplers.get(group) : null;
    }

    private boolean isFirst(Rank rank) {
        return ranks.isFirstOfGroup(rank);
    }
}
