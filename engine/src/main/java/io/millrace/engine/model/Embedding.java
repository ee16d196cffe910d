package io.millrace.engine.model;

import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;

/**
 * Token ids to hidden states. Each rank of a group has a part of the table and gives zeros for other ids; the sum has the table's bits.
 * Thread: the rank's.
 */
final class Embedding {
    private final Rank rank;
    private final Tensor table;
    private final int firstId;
    private final int vocabulary;

    /** Makes one of the rank's part of the table, [V / tp, D]. */
    Embedding(RankShare share, Rank rank, Tensor table) {
        this.rank = rank;
        this.table = table;
        firstId = share.vocabulary().first();
        vocabulary = share.config().vocabSize();
    }

    /** Computes {@code ws.residual} [T, D] from the step's ids. */
    void forward(Workspace ws, ModelStep step) {
        rank.ops().embed(ws.residual(), table, step.tokens().ids(), firstId, vocabulary);
        rank.collective().allReduce(ws.residual());
    }
}
