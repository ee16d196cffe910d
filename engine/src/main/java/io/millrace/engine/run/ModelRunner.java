package io.millrace.engine.run;

import io.millrace.engine.model.DeepSeekModel;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.kernels.KvLayer;
import java.util.List;

/** Runs planned steps on one rank: fills {@link StepInput}, the forward pass, then the draw. Thread: the engine loop only. */
public final class ModelRunner {
    private final DeepSeekModel model;
    private final List<KvLayer> kv;
    private final StepInput input;
    private final Sampler sampler;
    private final int[] endIds;

    /**
     * Makes a runner.
     *
     * @param model on the same rank as everything else here
     * @param kv one entry per layer
     * @param input buffers for the largest step
     * @param sampler for the most rows
     * @param endIds ids that end a sequence, masked until {@code min_tokens}
     */
    public ModelRunner(DeepSeekModel model, List<KvLayer> kv, StepInput input, Sampler sampler, int[] endIds) {
        this.model = model;
        this.kv = kv;
        this.input = input;
        this.sampler = sampler;
        this.endIds = endIds.clone();
    }

    /** Runs a step; the sampler returned holds one row per sequence that {@link StepPlan#draws}, in the plan's order. */
    public Sampler run(StepPlan<?> plan) {
        ModelStep step = input.fill(plan);
        sampler.startStep();
        for (int i = 0; i < plan.size(); i++) {
            if (plan.draws(i)) {
                addRow(plan.sequence(i));
            }
        }
        var logits = model.forward(step, kv);
        if (step.numLogitRows() > 0) {
            sampler.draw(logits);
        }
        return sampler;
    }

    private void addRow(Sequence<?> s) {
        int[] masked = endIds;
        if (s.params().minTokens() > 0 && !s.params().stopTokenIds().isEmpty()) {
            masked = java.util.stream.IntStream.concat(
                            java.util.Arrays.stream(endIds),
                            s.params().stopTokenIds().stream().mapToInt(Integer::intValue))
                    .distinct()
                    .toArray();
        }
        sampler.add(s.params(), s.numOutputTokens(), s.sampleIndex(), s.penalties(), masked);
    }
}
