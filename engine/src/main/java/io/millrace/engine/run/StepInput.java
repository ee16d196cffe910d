package io.millrace.engine.run;

import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.model.ModelStep;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;
import java.util.List;

/**
 * The device buffers that change from step to step, allocated once, and their host twins. Thread: the rank's.
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
     * @param maxLogitRows rows of a step that need logits at most
     */
    public StepInput(Device device, int maxTokens, int maxSeqs, int maxPages, int maxLogitRows) {
        this.device = device;
        this.maxPages = maxPages;
        ids = new int[maxTokens];
        positions = new int[maxTokens];
        slots = new int[maxTokens];
        queryStarts = new int[maxSeqs + 1];
        contextTokens = new int[maxSeqs];
        blockTables = new int[maxSeqs * maxPages];
        logitRows = new int[maxLogitRows];
        idsTensor = device.allocate(DType.I32, maxTokens);
        positionsTensor = device.allocate(DType.I32, maxTokens);
        slotsTensor = device.allocate(DType.I32, maxTokens);
        queryStartsTensor = device.allocate(DType.I32, maxSeqs + 1);
        contextTokensTensor = device.allocate(DType.I32, maxSeqs);
        blockTablesTensor = device.allocate(DType.I32, maxSeqs, maxPages);
        logitRowsTensor = device.allocate(DType.I32, maxLogitRows);
    }

    /** Returns an input of the same device and block tables for steps of one row per sequence. */
    StepInput ofOneRowEach() {
        return new StepInput(device, contextTokens.length, contextTokens.length, maxPages, contextTokens.length);
    }

    /**
     * Writes a group's plan to the device and returns the views of its size.
     *
     * @param groups rows of all groups
     */
    public ModelStep fill(StepPlan<?> plan, GroupRows groups) {
        fillSequences(plan);
        return upload(plan.numTokens(), plan.size(), plan.numLogitRows(), groups);
    }

    /**
     * Writes a plan of one row per sequence with rows behind it that nobody wants: sequences of one token, on a page that none has.
     *
     * @param groups rows of all groups
     * @param numRows rows together
     * @param pages whose {@link StepRunner.Pages#spare} the rows behind write to
     */
    ModelStep fillPadded(StepPlan<?> plan, GroupRows groups, int numRows, StepRunner.Pages pages) {
        fillSequences(plan);
        for (int row = plan.size(); row < numRows; row++) {
            ids[row] = 0;
            positions[row] = 0;
            slots[row] = pages.spare() * pages.tokensOfEach();
            queryStarts[row] = row;
            contextTokens[row] = 1;
            blockTables[row * maxPages] = pages.spare();
            logitRows[row] = row;
        }
        queryStarts[numRows] = numRows;
        return upload(numRows, numRows, numRows, groups);
    }

    private void fillSequences(StepPlan<?> plan) {
        int row = 0;
        int numLogitRows = 0;
        for (int i = 0; i < plan.size(); i++) {
            queryStarts[i] = row;
            row = fillSequence(plan.sequence(i), plan.count(i), plan.drafts(i), i, row);
            int firstScored = queryStarts[i]
                    + Math.max(
                            0,
                            plan.sequence(i).nextScored() - 1 - plan.sequence(i).numComputed());
            for (int k = 0; k < plan.numScores(i); k++) {
                logitRows[numLogitRows++] = firstScored + k;
            }
            for (int back = plan.numDraws(i); back > 0; back--) {
                logitRows[numLogitRows++] = row - back;
            }
        }
        queryStarts[plan.size()] = row;
    }

    private int fillSequence(Sequence<?> sequence, int count, int[] drafts, int index, int firstRow) {
        int from = sequence.numComputed();
        int total = count + drafts.length;
        for (int k = 0; k < total; k++) {
            int id = k < count ? sequence.token(from + k) : drafts[k - count];
            fillRow(firstRow + k, id, from + k, sequence.blockTable());
        }
        contextTokens[index] = from + total;
        sequence.blockTable().copyTo(blockTables, index * maxPages);
        return firstRow + total;
    }

    private void fillRow(int row, int id, int position, BlockTable table) {
        ids[row] = id;
        positions[row] = position;
        slots[row] = table.slot(position);
    }

    /**
     * Writes one row per sequence, all of which need logits.
     *
     * @param tables [n] the sequences'
     * @param rowIds [n] ids
     * @param rowPositions [n] their positions
     * @param groups rows of all groups
     */
    ModelStep fillOneRowEach(List<BlockTable> tables, int[] rowIds, int[] rowPositions, GroupRows groups) {
        int n = tables.size();
        for (int i = 0; i < n; i++) {
            fillRow(i, rowIds[i], rowPositions[i], tables.get(i));
            queryStarts[i] = i;
            contextTokens[i] = rowPositions[i] + 1;
            tables.get(i).copyTo(blockTables, i * maxPages);
            logitRows[i] = i;
        }
        queryStarts[n] = n;
        return upload(n, n, n, groups);
    }

    private ModelStep upload(int numTokens, int numSeqs, int numLogitRows, GroupRows groups) {
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
                logitRowsTensor.firstRows(numLogitRows),
                groups);
    }
}
