package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.numeric.BlockScale;

/**
 * Bytes of the activations that a rank of a {@link ParallelPlan} allocates: {@link Workspace} and {@link HeadRows} with the rank's
 * share of heads and columns, plus the rows that experts get from other ranks. f32, or what meets a linear layer: e4m3 with a scale per
 * 128 columns, or bf16 with bf16 weights.
 *
 * @param t tokens of a step in one attention group
 * @param s rows of a step in one attention group that need logits
 */
record RankWorkspace(ModelConfig config, ParallelPlan plan, long t, long s) {
    private static final long F32 = 4;

    long sizeBytes(boolean isDrafting) {
        long d = config.hiddenSize();
        long mtp = isDrafting ? t * 2 * d * F32 + headRows() : 0;
        return 4 * t * d * F32 // residual, normed, update, the shared experts' output
                + quantised(t, d)
                + attention()
                + mlp(t, config.intermediateSize() / plan.tp())
                + mlp(t, config.sharedIntermediateSize() / plan.tp())
                + experts()
                + headRows()
                + mtp;
    }

    private long attention() {
        long heads = config.numAttentionHeads() / plan.tp();
        long qLatent = Math.max(1, config.qLoraRank());
        long perHead = (long) config.qHeadDim() + config.kvDim() + config.kvLoraRank() + config.vHeadDim();
        return t * (qLatent + config.kvDim() + heads * perHead) * F32
                + quantised(t, qLatent)
                + quantised(t, heads * config.vHeadDim());
    }

    /** Worst case: every token of every group chooses as many of this rank's experts as it can. */
    private long experts() {
        long tokens = t * plan.dp();
        long perToken = config.numExpertsPerTok();
        long pairs = tokens * Math.min(perToken, config.nRoutedExperts() / plan.ep());
        long routing = (tokens * (config.nRoutedExperts() + 3 * perToken) + config.nRoutedExperts() + 1 + pairs) * F32;
        long exchanged = plan.dp() > 1 ? 2 * tokens * config.hiddenSize() * F32 : 0; // rows in, sums out
        return routing
                + exchanged
                + mlp(pairs, config.moeIntermediateSize() / plan.expertTp())
                + pairs * config.hiddenSize() * F32;
    }

    private long headRows() {
        long part = plan.tp() > 1 ? config.vocabSize() / plan.tp() : 0; // before it is gathered
        return s * (3L * config.hiddenSize() + config.vocabSize() + part) * F32;
    }

    private long mlp(long rows, long width) {
        return rows * 2 * width * F32 + quantised(rows, width);
    }

    private long quantised(long rows, long cols) {
        if (!config.linearFormat().isScaled()) {
            return rows * cols * DType.BF16.elementBytes();
        }
        return rows * (cols + (cols + BlockScale.BLOCK - 1) / BlockScale.BLOCK * F32);
    }
}
