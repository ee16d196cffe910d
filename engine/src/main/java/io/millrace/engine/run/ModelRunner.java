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
    private final StepRunner.Pages pages;
    private final StepGraphs graphs;
    private @Nullable ModelStep step;
    private long forwardNanos;

    private ModelRunner(
            DeepSeekModel model,
            List<KvLayer> kv,
            StepInput input,
            @Nullable DraftInput draftInput,
            StepRunner.Pages pages,
            StepGraphs graphs) {
        this.model = model;
        this.kv = kv;
        this.input = input;
        this.draftInput = draftInput;
        this.pages = pages;
        this.graphs = graphs;
    }

    /**
     * Makes a runner with the buffers that it needs.
     *
     * @param model on the same rank
     * @param pages of its group
     * @param limits sizes of a step of its group
     */
    static ModelRunner of(DeepSeekModel model, StepRunner.Pages pages, Rank rank, StepLimits limits) {
        List<KvLayer> kv = model.allocateKv(pages.count() + 1, pages.tokensOfEach()); // the last one is the spare
        StepInput input = new StepInput(
                rank.device(), limits.maxTokens(), limits.maxSeqs(), limits.maxPages(), limits.maxLogitRows());
        DraftInput draftInput =
                limits.numDraftTokens() == 0 ? null : new DraftInput(rank.device(), limits, input.ofOneRowEach());
        return new ModelRunner(model, kv, input, draftInput, pages, new StepGraphs(rank.device()));
    }

    /** Returns a runner of {@link DeepSeekModel#shallow} with this one's buffers. */
    ModelRunner shallow() {
        return new ModelRunner(model.shallow(), kv, input, draftInput, pages, graphs.empty());
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

    /**
     * Computes a step of one row per sequence, the draw included, padded to a bucket's rows: a replay from the second time on. Drafts can't
     * follow.
     *
     * @param groups the bucket's rows for each group
     * @param bucket its rows
     */
    void runBucket(StepPlan<?> plan, GroupRows groups, int bucket, @Nullable Sampler sampler) {
        ModelStep padded = input.fillPadded(plan, groups, bucket, pages);
        Sampler staged = sampler != null && sampler.canStage() ? sampler : null;
        if (staged != null) {
            staged.stage(bucket);
        }
        long start = System.nanoTime();
        Tensor logits = graphs.run(bucket, staged != null, () -> {
            Tensor ofAll = model.forward(padded, kv);
            if (staged != null) {
                staged.drawStaged(ofAll);
            }
            return ofAll;
        });
        forwardNanos = System.nanoTime() - start;
        if (staged != null) {
            staged.finish(logits);
        } else if (sampler != null && plan.size() > 0) {
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
