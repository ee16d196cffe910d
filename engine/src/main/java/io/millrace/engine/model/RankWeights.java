package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.ParallelPlan;
import java.util.List;
import java.util.Optional;

/**
 * Which part of each weight a rank of a {@link ParallelPlan} holds, in bytes on a cuda device, and why a plan can't cut a model.
 * Split over rows: q's heads, gate and up, embedding and head (by vocabulary); over columns: o and down; by index: routed experts;
 * by heads, in bf16: the absorbed {@code kv_b_proj}; the rest is on every rank. Stateless; any thread.
 */
final class RankWeights {
    private final ModelConfig config;
    private final ParallelPlan plan;

    RankWeights(ModelConfig config, ParallelPlan plan) {
        this.config = config;
        this.plan = plan;
    }

    /** Returns why the plan can't cut this model; empty if it can. */
    Optional<String> refusal() {
        return List.of(
                        shape(),
                        whole("num_attention_heads", config.numAttentionHeads(), plan.tp()),
                        whole("vocab_size", config.vocabSize(), plan.tp()),
                        whole(
                                "intermediate_size",
                                config.firstKDenseReplace() > 0 ? config.intermediateSize() : 0,
                                plan.tp()),
                        whole("the shared experts' width", config.sharedIntermediateSize(), plan.tp()),
                        whole("n_routed_experts", config.nRoutedExperts(), plan.ep()),
                        whole("moe_intermediate_size", config.moeIntermediateSize(), plan.expertTp()))
                .stream()
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** Groups of ranks without dp attention would compute the same rows; with it, each expert is whole on one rank. */
    private Optional<String> shape() {
        int ranks = plan.numRanks();
        if (ranks % plan.tp() != 0 || ranks % plan.ep() != 0) {
            return Optional.of("of tp " + plan.tp() + " and ep " + plan.ep() + " neither is a multiple of the other");
        }
        if (plan.dpAttention() ? plan.ep() < ranks : plan.tp() < ranks) {
            return Optional.of(
                    plan.dpAttention()
                            ? "dp attention over " + ranks + " ranks needs ep " + ranks + ", not " + plan.ep()
                            : "ep " + plan.ep() + " over tp " + plan.tp() + " needs dp attention");
        }
        return Optional.empty();
    }

    private static Optional<String> whole(String what, int count, int ranks) {
        return count % ranks == 0
                ? Optional.empty()
                : Optional.of(what + " " + count + " isn't a multiple of " + ranks + " ranks");
    }

    /** Returns the bytes of the largest rank's weights. */
    long weightBytes(boolean isDrafting) {
        long bytes = 0;
        for (TensorSpec spec : ModelTensors.main(config)) {
            bytes += bytes(spec);
        }
        if (isDrafting) {
            for (TensorSpec spec : ModelTensors.mtp(config)) {
                bytes += bytes(spec);
            }
        }
        return bytes;
    }

    private long bytes(TensorSpec spec) {
        String name = spec.name();
        if (spec.cols() == 0) {
            return 4L * spec.rows(); // vectors are widened to f32 at loading
        }
        if (name.contains(".kv_b_proj.")) {
            return spec.isScale() ? 0 : spec.numElements() * DType.BF16.elementBytes() / plan.tp();
        }
        if (name.contains(".mlp.experts.")) {
            // every expert counts as its share of a rank: n_routed_experts / ep whole ones are on each
            return spec.sizeBytes() / plan.expertTp() / plan.ep();
        }
        return isSplit(name) ? spec.sizeBytes() / plan.tp() : spec.sizeBytes();
    }

    private static boolean isSplit(String name) {
        return !(name.contains(".q_a_proj.")
                || name.contains(".kv_a_proj_with_mqa.")
                || name.contains(".mlp.gate.")
                || name.contains(".eh_proj."));
    }
}
