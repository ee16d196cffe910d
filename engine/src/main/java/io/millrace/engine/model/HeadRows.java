package io.millrace.engine.model;

import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Device;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;

/**
 * Activations of the rows that need logits: views of the first S.
 *
 * @param residual [S, D] f32
 * @param update [S, D] f32
 * @param normed [S, D] f32, the states that go into the head
 * @param logits [S, V] f32
 * @param vocabulary the columns of logits that this rank computes
 */
record HeadRows(Tensor residual, Tensor update, Tensor normed, Tensor logits, RankShare.Range vocabulary) {

    static HeadRows allocate(RankShare share, Device device, int maxRows) {
        ModelConfig config = share.config();
        return new HeadRows(
                device.allocate(DType.F32, maxRows, config.hiddenSize()),
                device.allocate(DType.F32, maxRows, config.hiddenSize()),
                device.allocate(DType.F32, maxRows, config.hiddenSize()),
                device.allocate(DType.F32, maxRows, config.vocabSize()),
                share.vocabulary());
    }

    HeadRows firstRows(int s) {
        return new HeadRows(
                residual.firstRows(s), update.firstRows(s), normed.firstRows(s), logits.firstRows(s), vocabulary);
    }

    /** Adds the last update for these rows only, norms them, and multiplies by the head, all ranks of the group together. No rows, no effect. */
    void compute(Rank rank, Workspace ws, ModelStep step, Tensor norm, float eps, DenseWeight head) {
        Ops ops = rank.ops();
        if (step.numLogitRows() == 0) {
            return;
        }
        ops.gatherRows(residual, ws.residual(), step.logitRows()); // [S, D]
        ops.gatherRows(update, ws.update(), step.logitRows());
        ops.addRmsNorm(normed, residual, update, norm, eps);
        ops.denseGemm(logits.columns(vocabulary.first(), vocabulary.count()), normed, head); // [S, V / tp]
        rank.collective().gatherColumns(logits);
    }
}
