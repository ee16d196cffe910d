package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.ParallelPlan;

/**
 * Bytes of what a rank of a {@link ParallelPlan} allocates besides weights and KV: {@link Workspace}, {@link HeadRows}, the rope table
 * and the MTP layer's input. f32, or what meets a linear layer: e4m3 with a scale per 128 columns, or bf16 with bf16 weights. A back
 * end's own buffers aren't in it.
 *
 * @param t tokens of a step in one attention group
 * @param s rows of a step in one attention group that need logits
 */
record RankWorkspace(ModelConfig config, ParallelPlan plan, long t, long s) {
    private static final long F32 = 4;

    /** Returns the bytes of the rank that needs most. */
    long sizeBytes(boolean isDrafting) {
        long most = 0;
        for (int rank = 0; rank < plan.numRanks(); rank++) {
            most = Math.max(most, sizeBytes(new RankShare(config, plan, rank), isDrafting));
        }
        return most;
    }

    private long sizeBytes(RankShare share, boolean isDrafting) {
        long d = config.hiddenSize();
        return 4 * t * d * F32 // residual, normed, update, the shared experts' output
                + quantised(t, d, 0)
                + attention(share.heads())
                + mlp(t, share.denseColumns())
                + mlp(t, share.sharedColumns())
                + experts(share)
                + s * (3 * d + config.vocabSize()) * F32
                + (long) config.maxPositionEmbeddings() * config.qkRopeHeadDim() * F32
                + (isDrafting ? t * 2 * d * F32 : 0);
    }

    private long attention(RankShare.Range heads) {
        long qLatent = Math.max(1, config.qLoraRank());
        long perHead = (long) config.qHeadDim() + config.kvDim() + config.kvLoraRank() + config.vHeadDim();
        return t * (qLatent + config.kvDim() + heads.count() * perHead) * F32
                + quantised(t, qLatent, 0)
                + quantised(t, (long) heads.count() * config.vHeadDim(), (long) heads.first() * config.vHeadDim());
    }

    /** Worst case: every token of every group chooses as many of this rank's experts as it can. */
    private long experts(RankShare share) {
        long ofAll = t * plan.dp();
        long pairs = share.maxPairs(ofAll);
        long chosen = share.isExchanging() ? routing(share, t, 0) + quantised(ofAll, config.hiddenSize(), 0) : 0;
        return t * config.nRoutedExperts() * F32
                + chosen
                + routing(share, ofAll, pairs)
                + mlp(pairs, share.expertColumns())
                + pairs * config.hiddenSize() * F32;
    }

    private long routing(RankShare share, long rows, long pairs) {
        return (3 * rows * config.numExpertsPerTok() + share.experts().count() + 1 + pairs) * F32;
    }

    private long mlp(long rows, RankShare.Range columns) {
        return rows * 2 * columns.count() * F32 + quantised(rows, columns.count(), columns.first());
    }

    /** Groups of 128 columns begin where the whole matrix's do; in bf16, which only is padded to them and has one unused scale, anywhere. */
    private long quantised(long rows, long cols, long firstCol) {
        boolean isScaled = config.linearFormat().isScaled();
        long skew = isScaled ? firstCol % Fp8Matrix.BLOCK : 0;
        long groups = (skew + cols + Fp8Matrix.BLOCK - 1) / Fp8Matrix.BLOCK;
        return isScaled
                ? rows * groups * (Fp8Matrix.BLOCK + F32)
                : rows * (groups * Fp8Matrix.BLOCK * DType.BF16.elementBytes() + F32);
    }
}
