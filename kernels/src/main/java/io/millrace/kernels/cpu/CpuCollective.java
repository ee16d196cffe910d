package io.millrace.kernels.cpu;

import io.millrace.kernels.Collective;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.RankMeeting;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sums and exchange between ranks of one JVM, over shared arrays. Thread: the rank's; {@link #abandon} from any.
 */
final class CpuCollective implements Collective {
    private final int rank;
    private final int tp;
    private final World world;
    private final CpuSum sum;

    private CpuCollective(int rank, int tp, World world, CpuSum sum) {
        this.rank = rank;
        this.tp = tp;
        this.world = world;
        this.sum = sum;
    }

    /** Makes the collectives of a plan's ranks. */
    static List<CpuCollective> of(ParallelPlan plan) {
        World world = new World(plan.numRanks());
        List<CpuCollective> members = new ArrayList<>();
        for (int i = 0; i < plan.numRanks(); i++) {
            int inGroup = i % plan.tp();
            CpuSum sum =
                    inGroup == 0 ? new CpuSum(new RankMeeting(plan.tp()), plan.tp()) : members.get(i - inGroup).sum;
            world.sums.add(sum);
            members.add(new CpuCollective(i, plan.tp(), world, sum));
        }
        return members;
    }

    @Override
    public void allReduce(Tensor x) {
        sum.allReduce(rank % tp, Shapes.cpu(x));
    }

    @Override
    public void gatherColumns(Tensor x) {
        sum.gatherColumns(rank % tp, Shapes.cpu(x));
    }

    @Override
    public void dispatch(
            Fp8Activations outActivations, Routing out, Fp8Activations x, Tensor expertIds, GroupRows groups) {
        CpuActivations outX = Shapes.cpu(outActivations);
        CpuTensor ids = Shapes.cpu(out.expertIds());
        world.x[rank] = Shapes.cpu(x);
        world.ids[rank] = Shapes.cpu(expertIds);
        world.meeting.await("dispatch");
        int cols = outX.numCols();
        for (int g = 0; g < groups.numGroups(); g++) {
            CpuActivations from = world.x[g * tp + rank % tp];
            CpuTensor fromIds = world.ids[g * tp + rank % tp];
            int first = groups.first(g);
            int rows = groups.rows(g);
            System.arraycopy(from.values(), 0, outX.values(), first * cols, rows * cols);
            for (int t = 0; t < rows; t++) {
                System.arraycopy(fromIds.i32(), fromIds.at(t), ids.i32(), ids.at(first + t), ids.numCols());
            }
        }
    }

    @Override
    public void collect(
            Tensor outTensor,
            Tensor expertOut,
            Routing arrived,
            Routing chosen,
            Tensor sharedTensor,
            GroupRows groups) {
        CpuTensor out = Shapes.cpu(outTensor);
        CpuTensor shared = Shapes.cpu(sharedTensor);
        CpuTensor ids = Shapes.cpu(chosen.expertIds());
        CpuTensor weights = Shapes.cpu(chosen.weights());
        world.expertOut[rank] = Shapes.cpu(expertOut);
        world.pairRows[rank] = Shapes.cpu(arrived.pairRows());
        world.meeting.await("collect");
        int expertsOfRank = Math.toIntExact(arrived.offsets().rows() - 1);
        int firstRow = groups.first(rank / tp);
        float[] row = new float[out.numCols()];
        for (int t = 0; t < out.numRows(); t++) {
            Arrays.fill(row, 0);
            for (int j = 0; j < ids.numCols(); j++) {
                int id = ids.i32()[ids.at(t) + j];
                if (id >= 0) {
                    add(row, id / expertsOfRank, firstRow + t, j, weights.f32()[weights.at(t) + j]);
                }
            }
            for (int c = 0; c < row.length; c++) {
                out.f32()[out.at(t) + c] = row[c] + shared.f32()[shared.at(t) + c];
            }
        }
    }

    /** sum = fma(weight, the pair's row on the expert's rank, sum). */
    private void add(float[] sum, int from, int arrivedRow, int j, float weight) {
        CpuTensor pairRows = world.pairRows[from];
        int pairRow = pairRows.i32()[pairRows.at(arrivedRow) + j];
        CpuTensor expertOut = world.expertOut[from];
        Shapes.inRange("collect: row of expertOut", pairRow, expertOut.rows());
        int at = expertOut.at(pairRow);
        for (int c = 0; c < sum.length; c++) {
            sum[c] = Math.fma(weight, expertOut.f32()[at + c], sum[c]);
        }
    }

    @Override
    public void abandon() {
        world.meeting.abandon();
        world.sums.forEach(CpuSum::abandon);
    }

    /** What all ranks share. */
    private static final class World {
        final RankMeeting meeting;
        final CpuActivations[] x;
        final CpuTensor[] ids;
        final CpuTensor[] expertOut;
        final CpuTensor[] pairRows;
        final List<CpuSum> sums = new ArrayList<>();

        World(int numRanks) {
            meeting = new RankMeeting(numRanks);
            x = new CpuActivations[numRanks];
            ids = new CpuTensor[numRanks];
            expertOut = new CpuTensor[numRanks];
            pairRows = new CpuTensor[numRanks];
        }
    }
}
