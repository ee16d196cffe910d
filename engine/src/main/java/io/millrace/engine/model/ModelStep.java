package io.millrace.engine.model;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/**
 * One step's input on one rank; the tensors are views of exactly this step's sizes.
 *
 * @param numTokens T, ≥ 1
 * @param tokens ids, positions, slots, each [T]
 * @param attention sequences, block tables
 * @param numLogitRows S, rows whose logits are wanted, ≥ 0
 * @param logitRows [S] i32 indices of those rows
 */
public record ModelStep(
        int numTokens, StepTensors tokens, AttentionBatch attention, int numLogitRows, Tensor logitRows) {}
