package io.millrace.kernels.cuda;

import io.millrace.kernels.Collective;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Sum and exchange over peer memory: a call queues a wait for the other ranks and a kernel that reads their tensors (and for a sum writes
 * them). Thread: the rank's; {@link #abandon} from any.
 */
final class CudaCollective implements Collective {
    private static final int SUM_THREADS = 256;
    private static final int SUM_ELEMENTS = 4; // of a thread
    private static final int DISPATCH_THREADS = 128;
    private static final int COLUMNS_PER_BLOCK = 256;

    private final int rank;
    private final ParallelPlan plan;
    private final List<CudaDevice> devices;
    private final CudaPeers group;
    private final CudaPeers world;
    private final long fault;
    private final LaunchBlock allReduce;
    private final LaunchBlock gatherColumns;
    private final LaunchBlock dispatch;
    private final LaunchBlock collect;

    private CudaCollective(int rank, ParallelPlan plan, List<CudaDevice> devices, CudaPeers group, CudaPeers world) {
        this.rank = rank;
        this.plan = plan;
        this.devices = devices;
        this.group = group;
        this.world = world;
        CudaDevice device = devices.get(rank);
        fault = device.faultAddress();
        allReduce = device.image().kernel("all_reduce");
        gatherColumns = device.image().kernel("gather_columns");
        dispatch = device.image().kernel("dispatch");
        collect = device.image().kernel("collect");
    }

    /** Makes the collectives of a plan's devices, which reach each other, in rank order. */
    static List<CudaCollective> of(ParallelPlan plan, List<CudaDevice> devices) {
        List<CudaPeers> world = CudaPeers.of(devices);
        List<CudaPeers> groups = new ArrayList<>();
        for (int first = 0; first < devices.size(); first += plan.tp()) {
            groups.addAll(CudaPeers.of(devices.subList(first, first + plan.tp())));
        }
        List<CudaCollective> collectives = new ArrayList<>();
        for (int r = 0; r < devices.size(); r++) {
            collectives.add(new CudaCollective(r, plan, devices, groups.get(r), world.get(r)));
        }
        return collectives;
    }

    @Override
    public void allReduce(Tensor tensor) {
        CudaTensor x = Operands.f32(tensor);
        if (group.numRanks() == 1 || x.rows() == 0) {
            return;
        }
        Operands.contiguous("allReduce: x", x);
        long count = x.rows() * x.cols();
        long slice = (count / SUM_ELEMENTS / group.numRanks() + 1) * SUM_ELEMENTS;
        long first = Math.min(count, slice * group.place());
        long own = Math.min(slice, count - first);
        long[] addresses = group.addresses(x);
        group.meet();
        allReduce.begin();
        addresses(allReduce, addresses);
        allReduce.i64(first).i64(own).i32(group.numRanks()).i32(0);
        allReduce.launch((own + SUM_THREADS * SUM_ELEMENTS - 1) / (SUM_THREADS * SUM_ELEMENTS), 1, SUM_THREADS);
        group.meet();
    }

    @Override
    public void gatherColumns(Tensor tensor) {
        CudaTensor x = Operands.f32(tensor);
        if (group.numRanks() == 1 || x.rows() == 0) {
            return;
        }
        Operands.contiguous("gatherColumns: x", x);
        Operands.multiple("gatherColumns: columns of x", x.cols(), group.numRanks());
        long[] addresses = group.addresses(x);
        group.meet();
        gatherColumns.begin();
        addresses(gatherColumns, addresses);
        gatherColumns.i32(x.cols() / group.numRanks()).i32(group.numRanks()).i32(group.place());
        gatherColumns
                .i32(0)
                .launch((x.cols() + COLUMNS_PER_BLOCK - 1) / COLUMNS_PER_BLOCK, x.rows(), COLUMNS_PER_BLOCK);
    }

    private static void addresses(LaunchBlock block, long[] addresses) {
        for (int r = 0; r < CudaPeers.MAX_RANKS; r++) {
            block.i64(r < addresses.length ? addresses[r] : 0);
        }
    }

    @Override
    public void dispatch(
            Fp8Activations outActivations, Routing out, Fp8Activations activations, Tensor idTensor, GroupRows groups) {
        CudaActivations outX = Operands.cuda(outActivations);
        CudaActivations x = Operands.cuda(activations);
        CudaTensor ids = Operands.i32(idTensor);
        CudaTensor outIds = Operands.i32(out.expertIds());
        Operands.equal("dispatch: groups", groups.numGroups(), plan.dp());
        Operands.equal("dispatch: rows of x", x.rows(), groups.rows(rank / plan.tp()));
        Operands.atLeast("dispatch: rows of ids", ids.rows(), x.rows());
        Operands.atLeast("dispatch: rows of out", Math.min(outX.rows(), outIds.rows()), groups.total());
        Operands.equal(
                "dispatch: columns of out", outX.codes().cols(), x.codes().cols());
        Operands.equal(
                "dispatch: bytes of a code of out",
                outX.codes().dtype().elementBytes(),
                x.codes().dtype().elementBytes());
        Operands.equal("dispatch: columns of ids", outIds.cols(), ids.cols());
        Operands.contiguous("dispatch: ids", ids);
        Operands.contiguous("dispatch: ids of out", outIds);
        long experts = out.offsets().rows() - 1;
        long[] codes = ofGroups(world.addresses(x.codes()));
        long[] scales = ofGroups(world.addresses(x.scales()));
        long[] idsOfGroups = ofGroups(world.addresses(ids));
        world.meet();
        dispatch.begin();
        addresses(dispatch, codes);
        addresses(dispatch, scales);
        addresses(dispatch, idsOfGroups);
        dispatch.i64(outX.codes().pointer()).i64(outX.scales().pointer()).i64(outIds.pointer());
        for (int g = 0; g <= CudaPeers.MAX_RANKS; g++) {
            dispatch.i32(g < groups.numGroups() ? groups.first(g) : groups.total());
        }
        long codeBytes = x.codes().cols() * x.codes().dtype().elementBytes();
        dispatch.i32(groups.numGroups()).i32(codeBytes).i32(x.scales().cols());
        dispatch.i32(ids.cols()).i32(rank * experts).i32(experts).i32(0);
        dispatch.launch(groups.total(), 1, DISPATCH_THREADS);
    }

    /** Returns the addresses on the rank of each group that has this one's place in its own. */
    private long[] ofGroups(long[] ofRanks) {
        long[] result = new long[plan.dp()];
        for (int g = 0; g < result.length; g++) {
            result[g] = ofRanks[g * plan.tp() + group.place()];
        }
        return result;
    }

    @Override
    public void collect(
            Tensor outTensor,
            Tensor expertTensor,
            Routing arrived,
            Routing chosen,
            Tensor sharedTensor,
            GroupRows groups) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor shared = Operands.f32(sharedTensor);
        CudaTensor expertOut = Operands.f32(expertTensor);
        CudaTensor weights = Operands.f32(chosen.weights());
        CudaTensor ids = Operands.i32(chosen.expertIds());
        CudaTensor pairRows = Operands.i32(arrived.pairRows());
        Operands.equal("collect: rows of out", out.rows(), groups.rows(rank / plan.tp()));
        Operands.equal("collect: columns of expertOut", expertOut.cols(), out.cols());
        Operands.equal("collect: columns of shared", shared.cols(), out.cols());
        Operands.atLeast("collect: rows of shared", shared.rows(), out.rows());
        Operands.equal("collect: columns of pairRows", pairRows.cols(), ids.cols());
        Operands.contiguous("collect: expertOut", expertOut);
        Operands.contiguous("collect: pairRows", pairRows);
        long[] expertAddresses = world.addresses(expertOut);
        long[] pairAddresses = world.addresses(pairRows);
        world.meet();
        collect.begin().rows(out).rows(shared).rows(weights).rows(ids);
        addresses(collect, expertAddresses);
        addresses(collect, pairAddresses);
        collect.i64(fault)
                .i32(out.cols())
                .i32(ids.cols())
                .i32(arrived.offsets().rows() - 1)
                .i32(expertOut.rows());
        collect.i32(groups.first(rank / plan.tp())).i32(0);
        collect.launch(out.rows(), (out.cols() + COLUMNS_PER_BLOCK - 1) / COLUMNS_PER_BLOCK, COLUMNS_PER_BLOCK);
    }

    @Override
    public void abandon() {
        group.abandon();
        world.abandon();
        devices.forEach(CudaDevice::abandon);
    }
}
