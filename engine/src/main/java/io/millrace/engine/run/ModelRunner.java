package io.millrace.engine.run;

import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank's part of a step: fills {@link StepInput}, runs the forward pass and, on the first rank of a group, the draw. Thread: the
 * rank's.
 */
final class ModelRunner {
    private final DeepSeekModel model;
    private final List<KvLayer> kv;
    private final StepInput input;
    private final @Nullable DraftInput draftInput;
    private @Nullable ModelStep step;
    private long forwardNanos;

    private ModelRunner(DeepSeekModel model, List<KvLayer> kv, StepInput input, @Nullable DraftInput draftInput) {
        this.model = model;
        this.kv = kv;
        this.input = input;
        this.draftInput = draftInput;
    }

    /**
     * Makes a runner with the buffers that it needs.
     *
     * @param model on the same rank
     * @param kv one entry per layer, the MTP layer's last if it is loaded
     * @param limits sizes of a step of its group
     */
    static ModelRunner of(DeepSeekModel model, List<KvLayer> kv, Rank rank, StepLimits limits) {
        StepInput input = new StepInput(
                rank.device(), limits.maxTokens(), limits.maxSeqs(), limits.maxPages(), limits.maxLogitRows());
        DraftInput draftInput = limits.numDraftTokens() == 0 ? null : new DraftInput(rank.device(), limits);
        return new ModelRunner(model, kv, input, draftInput);
    }

    /** Returns a runner of {@link DeepSeekModel#shallow} with this one's buffers. */
    ModelRunner shallow() {
        return new ModelRunner(model.shallow(), kv, input, draftInput);
    }

    /**
     * Computes a step.
     *
     * @param plan the group's part
     * @param groups rows of all groups
     * @param sampler draws from the logits; null on ranks that don't
     */
    void run(StepPlan<?> plan, GroupRows groups, @Nullable Sampler sampler) {
        ModelStep next = input.fill(plan, groups);
        step = next;
        long start = System.nanoTime();
        Tensor logits = model.forward(next, kv);
        forwardNanos = System.nanoTime() - start;
        if (sampler != null && next.numLogitRows() > 0) {
            sampler.draw(logits);
        }
    }

    /** Runs the MTP layer over the rows of the last {@link #run} and draws the first drafts. */
    void draft(Drafter drafter, boolean isDrawing) {
        if (step == null || draftInput == null) {
            throw new IllegalStateException("drafts before a step, or in an engine without drafts");
        }
        ModelStep shifted = draftInput.shifted(step, drafter);
        long start = System.nanoTime();
        Tensor logits = model.draft(shifted, kv);
        draw(drafter, logits, start, isDrawing);
    }

    /**
     * Runs the MTP layer over the drafts taken last and draws the ones behind them.
     *
     * @param groups how many sequences of each group draft
     */
    void draftFurther(Drafter drafter, GroupRows groups, boolean isDrawing) {
        if (draftInput == null) {
            throw new IllegalStateException("drafts in an engine without drafts");
        }
        ModelStep further = draftInput.further(drafter, groups);
        long start = System.nanoTime();
        Tensor logits = model.draftFurther(further, kv);
        draw(drafter, logits, start, isDrawing);
    }

    private void draw(Drafter drafter, Tensor logits, long start, boolean isDrawing) {
        if (isDrawing && drafter.size() > 0) {
            drafter.sampler().draw(logits);
        }
        forwardNanos += System.nanoTime() - start;
    }

    /** Returns how long the model's layers, those that draft and their draws included, took since the last {@link #run} began. */
    long forwardNanos() {
        return forwardNanos;
    }
}
