package io.millrace.engine.model;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/**
 * One step's input on one rank; the tensors are views of exactly this step's sizes.
 *
 * @param numTokens T, ≥ 0; 0 only where other groups have rows
 * @param tokens ids, positions, slots, each [T]
 * @param attention sequences, block tables
 * @param numLogitRows S, rows whose logits are wanted, ≥ 0
 * @param logitRows [S] i32 indices of those rows
 * @param groups T of each group, ΣT in all; the same on all ranks
 */
public record ModelStep(
        int numTokens,
        StepTensors tokens,
        AttentionBatch attention,
        int numLogitRows,
        Tensor logitRows,
        GroupRows groups) {

    /** A step of one group. */
    public ModelStep(int numTokens, StepTensors tokens, AttentionBatch attention, int numLogitRows, Tensor logitRows) {
        this(numTokens, tokens, attention, numLogitRows, logitRows, GroupRows.of(numTokens));
    }
}
