package io.millrace.kernels.cpu;

import io.millrace.kernels.Collective;
import io.millrace.kernels.DeviceException;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * Sums between ranks of one JVM: each rank adds its slice of all ranks' tensors in rank order, then copies the whole sum. Thread: the
 * rank's; {@link #close} from any, it wakes the waiting ones with a {@link DeviceException}.
 */
final class CpuCollective implements Collective {
    private final int rank;
    private final Group group;

    private CpuCollective(int rank, Group group) {
        this.rank = rank;
        this.group = group;
    }

    /** Makes the collectives of {@code numRanks} ≥ 1 ranks. */
    static List<CpuCollective> group(int numRanks) {
        Group group = new Group(numRanks);
        List<CpuCollective> members = new ArrayList<>();
        for (int i = 0; i < numRanks; i++) {
            members.add(new CpuCollective(i, group));
        }
        return members;
    }

    @Override
    public void allReduce(Tensor x) {
        if (group.tensors.length == 1) {
            return;
        }
        CpuTensor mine = Shapes.cpu(x);
        group.tensors[rank] = mine;
        group.await();
        CpuTensor first = group.tensors[0];
        for (CpuTensor other : group.tensors) { // every rank sees the same tensors, so all fail together
            Shapes.equal("allReduce: rows", other.rows(), first.rows());
            Shapes.equal("allReduce: columns", other.cols(), first.cols());
        }
        int rows = mine.numRows();
        int cols = mine.numCols();
        float[] sum = group.reserve(rows * cols, rank);
        int ranks = group.tensors.length;
        for (int r = (int) ((long) rows * rank / ranks); r < (int) ((long) rows * (rank + 1) / ranks); r++) {
            addRows(sum, r * cols, r, cols);
        }
        group.await();
        for (int r = 0; r < rows; r++) {
            System.arraycopy(sum, r * cols, mine.f32(), mine.at(r), cols);
        }
    }

    private void addRows(float[] sum, int at, int row, int cols) {
        CpuTensor first = group.tensors[0];
        System.arraycopy(first.f32(), first.at(row), sum, at, cols);
        for (int rank = 1; rank < group.tensors.length; rank++) {
            CpuTensor other = group.tensors[rank];
            float[] x = other.f32();
            int p = other.at(row);
            for (int c = 0; c < cols; c++) {
                sum[at + c] += x[p + c];
            }
        }
    }

    void close() {
        group.isClosed = true;
        group.barrier.reset();
    }

    /** What the ranks share. */
    private static final class Group {
        final CyclicBarrier barrier;
        final CpuTensor[] tensors;
        volatile boolean isClosed;
        private volatile float[] sum = {};

        Group(int numRanks) {
            barrier = new CyclicBarrier(numRanks);
            tensors = new CpuTensor[numRanks];
        }

        /** Returns the shared buffer, grown by rank 0 if it is too small; all ranks meet here. */
        float[] reserve(int count, int rank) {
            if (sum.length
                    < count) { // every rank sees the same length, because it changes only between the next two meetings
                await();
                if (rank == 0) {
                    sum = new float[count + count / 2];
                }
                await();
            }
            return sum;
        }

        void await() {
            if (isClosed) {
                throw new DeviceException("allReduce after the cpu back end was closed: end the ranks' threads first");
            }
            try {
                barrier.await();
            } catch (BrokenBarrierException e) {
                throw new DeviceException("allReduce given up: another rank failed or the cpu back end was closed", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new DeviceException("allReduce given up: the rank's thread was interrupted", e);
            }
        }
    }
}
