package io.millrace.engine.run;

import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;

/**
 * The device buffers that change from step to step, allocated once, and their host twins. Thread: the engine loop only.
 */
public final class StepInput {
    private final Device device;
    private final int maxPages;
    private final int[] ids;
    private final int[] positions;
    private final int[] slots;
    private final int[] queryStarts;
    private final int[] contextTokens;
    private final int[] blockTables;
    private final int[] logitRows;
    private final Tensor idsTensor;
    private final Tensor positionsTensor;
    private final Tensor slotsTensor;
    private final Tensor queryStartsTensor;
    private final Tensor contextTokensTensor;
    private final Tensor blockTablesTensor;
    private final Tensor logitRowsTensor;

    /**
     * Allocates.
     *
     * @param device where to
     * @param maxTokens tokens of a step at most
     * @param maxSeqs sequences of a step at most
     * @param maxPages pages of a sequence at most
     */
    public StepInput(Device device, int maxTokens, int maxSeqs, int maxPages) {
        this.device = device;
        this.maxPages = maxPages;
        ids = new int[maxTokens];
        positions = new int[maxTokens];
        slots = new int[maxTokens];
        queryStarts = new int[maxSeqs + 1];
        contextTokens = new int[maxSeqs];
        blockTables = new int[maxSeqs * maxPages];
        logitRows = new int[maxSeqs];
        idsTensor = device.allocate(DType.I32, maxTokens);
        positionsTensor = device.allocate(DType.I32, maxTokens);
        slotsTensor = device.allocate(DType.I32, maxTokens);
        queryStartsTensor = device.allocate(DType.I32, maxSeqs + 1);
        contextTokensTensor = device.allocate(DType.I32, maxSeqs);
        blockTablesTensor = device.allocate(DType.I32, maxSeqs, maxPages);
        logitRowsTensor = device.allocate(DType.I32, maxSeqs);
    }

    /** Writes a plan to the device and returns the views of its size. */
    public ModelStep fill(StepPlan<?> plan) {
        int row = 0;
        int numLogitRows = 0;
        for (int i = 0; i < plan.size(); i++) {
            queryStarts[i] = row;
            row = fillSequence(plan.sequence(i), plan.count(i), i, row);
            if (plan.draws(i)) {
                logitRows[numLogitRows++] = row - 1;
            }
        }
        queryStarts[plan.size()] = row;
        return upload(row, plan.size(), numLogitRows);
    }

    private int fillSequence(Sequence<?> sequence, int count, int index, int firstRow) {
        BlockTable table = sequence.blockTable();
        int from = sequence.numComputed();
        for (int k = 0; k < count; k++) {
            ids[firstRow + k] = sequence.token(from + k);
            positions[firstRow + k] = from + k;
            slots[firstRow + k] = table.slot(from + k);
        }
        contextTokens[index] = from + count;
        table.copyTo(blockTables, index * maxPages);
        return firstRow + count;
    }

    private ModelStep upload(int numTokens, int numSeqs, int numLogitRows) {
        device.write(idsTensor, ids, numTokens);
        device.write(positionsTensor, positions, numTokens);
        device.write(slotsTensor, slots, numTokens);
        device.write(queryStartsTensor, queryStarts, numSeqs + 1);
        device.write(contextTokensTensor, contextTokens, numSeqs);
        device.write(blockTablesTensor, blockTables, numSeqs * maxPages);
        device.write(logitRowsTensor, logitRows, numLogitRows);
        return new ModelStep(
                numTokens,
                new StepTensors(
                        idsTensor.firstRows(numTokens),
                        positionsTensor.firstRows(numTokens),
                        slotsTensor.firstRows(numTokens)),
                new AttentionBatch(
                        queryStartsTensor.firstRows(numSeqs + 1),
                        contextTokensTensor.firstRows(numSeqs),
                        blockTablesTensor.firstRows(numSeqs),
                        numSeqs),
                numLogitRows,
                logitRowsTensor.firstRows(numLogitRows));
    }
}
