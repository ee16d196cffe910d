package io.millrace.engine.run;

import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.sample.Verifier;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.engine.structure.GrammarMask;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs planned steps on one rank: fills {@link StepInput}, the forward pass, then the draw. Thread: the engine loop only. */
public final class ModelRunner {
    private final DeepSeekModel model;
    private final List<KvLayer> kv;
    private final StepInput input;
    private final Sampler sampler;
    private final @Nullable Drafter drafter;
    private final int[] endIds;
    private long forwardNanos;

    /**
     * Makes a runner.
     *
     * @param model on the same rank as everything else here
     * @param kv one entry per layer
     * @param input buffers for the largest step
     * @param sampler for the most rows
     * @param drafter null if nothing is drafted
     * @param endIds ids that end a sequence, masked until {@code min_tokens}
     */
    private ModelRunner(
            DeepSeekModel model,
            List<KvLayer> kv,
            StepInput input,
            Sampler sampler,
            @Nullable Drafter drafter,
            int[] endIds) {
        this.model = model;
        this.kv = kv;
        this.input = input;
        this.sampler = sampler;
        this.drafter = drafter;
        this.endIds = endIds.clone();
    }

    /**
     * Makes a runner with the buffers that it needs.
     *
     * @param kv one entry per layer, the MTP layer's last if it is loaded
     * @param limits sizes of a step
     * @param numTokens ids ≥ this are padding rows of the head and never drawn
     */
    public static ModelRunner of(
            DeepSeekModel model, List<KvLayer> kv, Rank rank, StepLimits limits, int numTokens, int[] endIds) {
        StepInput input = new StepInput(
                rank.device(), limits.maxTokens(), limits.maxSeqs(), limits.maxPages(), limits.maxLogitRows());
        Drafter drafter = limits.numDraftTokens() == 0
                ? null
                : new Drafter(
                        model,
                        kv,
                        rank.device(),
                        limits.maxTokens(),
                        input.ofOneRowEach(),
                        new Sampler(rank, limits.maxSeqs(), numTokens),
                        limits.numDraftTokens());
        Sampler sampler = new Sampler(rank, limits.maxLogitRows(), numTokens);
        return new ModelRunner(model, kv, input, sampler, drafter, endIds);
    }

    /** Returns a runner of {@link DeepSeekModel#shallow} with this one's buffers and drafter. */
    public ModelRunner shallow() {
        return new ModelRunner(model.shallow(), kv, input, sampler, drafter, endIds);
    }

    /**
     * Runs a step, verifies its drafts and proposes new ones; the sampler returned holds a row for each score and draw of the
     * plan.
     */
    public Sampler run(StepPlan<?> plan) {
        ModelStep step = input.fill(plan);
        sampler.startStep();
        for (int i = 0; i < plan.size(); i++) {
            Sequence<?> s = plan.sequence(i);
            for (int k = 0; k < plan.numScores(i); k++) {
                sampler.addGiven(s.token(s.nextScored() + k), s.topLogprobsOfScores());
            }
            for (int k = 0; k < plan.numDraws(i); k++) {
                addRow(plan.sequence(i), plan.drafts(i), k);
            }
        }
        long start = System.nanoTime();
        Tensor logits = model.forward(step, kv);
        forwardNanos = System.nanoTime() - start;
        if (step.numLogitRows() > 0) {
            sampler.draw(logits);
            verify(plan);
        }
        if (drafter != null) {
            start = System.nanoTime();
            drafter.draft(plan, step, sampler);
            forwardNanos += System.nanoTime() - start;
        }
        return sampler;
    }

    /** Returns how long the model's layers, those that draft included, took in the last {@link #run}. */
    public long forwardNanos() {
        return forwardNanos;
    }

    private void verify(StepPlan<?> plan) {
        for (int i = 0; i < plan.size(); i++) {
            plan.accept(i, Verifier.numAccepted(plan.drafts(i), sampler, plan.firstDraw(i)));
        }
    }

    /** {@code ahead}: behind how many of the drafts the row is; what may come there depends on them. */
    private void addRow(Sequence<?> s, int[] drafts, int ahead) {
        GrammarMask mask = s.mask();
        GrammarMask.Allowed allowed = mask == null ? null : mask.allowed(mask.after(drafts, ahead));
        sampler.add(s.params(), s.numOutputTokens() + ahead, s.sampleIndex(), s.penalties(), endIds, allowed);
    }
}
