package io.millrace.kernels.cpu;

import io.millrace.kernels.RankMeeting;

/**
 * All-reduce and gather of one group of ranks. For a sum each adds its slice of all tensors' rows in rank order, then copies the whole sum. Thread: the
 * ranks', each with its own place in the group.
 */
final class CpuSum {
    private static final String OP = "allReduce";

    private final RankMeeting meeting;
    private final CpuTensor[] tensors;
    private volatile float[] sum = {};

    CpuSum(RankMeeting meeting, int numRanks) {
        this.meeting = meeting;
        tensors = new CpuTensor[numRanks];
    }

    /** Replaces {@code mine} by the sum; {@code rank} is the place in the group. */
    void allReduce(int rank, CpuTensor mine) {
        int ranks = tensors.length;
        if (ranks == 1) {
            return;
        }
        tensors[rank] = mine;
        meeting.await(OP);
        CpuTensor first = tensors[0];
        for (CpuTensor other : tensors) { // every rank sees the same tensors, so all fail together
            Shapes.equal("allReduce: rows", other.rows(), first.rows());
            Shapes.equal("allReduce: columns", other.cols(), first.cols());
        }
        int rows = mine.numRows();
        int cols = mine.numCols();
        float[] target = reserve(rows * cols, rank);
        for (int r = (int) ((long) rows * rank / ranks); r < (int) ((long) rows * (rank + 1) / ranks); r++) {
            addRows(target, r * cols, r, cols);
        }
        meeting.await(OP);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(target, r * cols, mine.f32(), mine.at(r), cols);
        }
    }

    /** Copies the columns that the other ranks have filled. */
    void gatherColumns(int rank, CpuTensor mine) {
        int ranks = tensors.length;
        if (ranks == 1) {
            return;
        }
        Shapes.multiple("gatherColumns: columns of x", mine.cols(), ranks);
        tensors[rank] = mine;
        meeting.await("gatherColumns");
        int part = mine.numCols() / ranks;
        for (int r = 0; r < ranks; r++) {
            Shapes.equal("gatherColumns: rows", tensors[r].rows(), tensors[0].rows());
            for (int row = 0; row < mine.numRows() && r != rank; row++) {
                System.arraycopy(
                        tensors[r].f32(), tensors[r].at(row) + r * part, mine.f32(), mine.at(row) + r * part, part);
            }
        }
        meeting.await("gatherColumns"); // before a rank gives its next tensor
    }

    private void addRows(float[] target, int at, int row, int cols) {
        CpuTensor first = tensors[0];
        System.arraycopy(first.f32(), first.at(row), target, at, cols);
        for (int rank = 1; rank < tensors.length; rank++) {
            CpuTensor other = tensors[rank];
            float[] x = other.f32();
            int p = other.at(row);
            for (int c = 0; c < cols; c++) {
                target[at + c] += x[p + c];
            }
        }
    }

    /** Returns the shared buffer, grown by rank 0 if it is too small; all ranks meet here. */
    private float[] reserve(int count, int rank) {
        if (sum.length
                < count) { // every rank sees the same length, because it changes only between the next two meetings
            meeting.await(OP);
            if (rank == 0) {
                sum = new float[count + count / 2];
            }
            meeting.await(OP);
        }
        return sum;
    }

    void abandon() {
        meeting.abandon();
    }
}
