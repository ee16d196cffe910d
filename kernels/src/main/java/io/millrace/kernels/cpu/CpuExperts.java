package io.millrace.kernels.cpu;

import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import java.util.Arrays;

/** Grouped products over routed rows and their weighted sum. Thread: the rank's. */
final class CpuExperts {
    private static final int MIN_THREAD_ELEMENTS = 1 << 14;

    private final PanelProducts products;
    private final WorkerPool pool;
    private final WorkerPool.Work combineRows = this::combineRows;

    private CpuTensor out = CpuTensor.EMPTY;
    private CpuTensor expertOut = CpuTensor.EMPTY;
    private CpuTensor shared = CpuTensor.EMPTY;
    private CpuTensor weights = CpuTensor.EMPTY;
    private CpuTensor pairRows = CpuTensor.EMPTY;

    CpuExperts(PanelProducts products, WorkerPool pool) {
        this.products = products;
        this.pool = pool;
    }

    void groupedGemm(
            Tensor outTensor, Fp8Activations activations, LinearWeight experts, Routing routing, boolean gather) {
        CpuTensor result = Shapes.cpu(outTensor);
        CpuActivations x = Shapes.cpu(activations);
        CpuLinearWeight w = CpuGemm.linear(experts);
        CpuTensor offsets = Shapes.cpu(routing.offsets());
        CpuTensor pairTokens = Shapes.cpu(routing.pairTokens());
        w.checkColumns("groupedGemm", x);
        Shapes.equal("groupedGemm", w, "columns of out", result.cols(), w.rows());
        Shapes.equal("groupedGemm", w, "length of offsets", offsets.rows() * offsets.cols(), w.numExperts() + 1L);
        int pairs = offsets.i32()[offsets.at(0) + w.numExperts()];
        Shapes.atLeast("groupedGemm", w, "rows of out", result.rows(), pairs);
        Shapes.atLeast("groupedGemm", w, "length of pairTokens", pairTokens.rows(), pairs);
        int[] tokens = pairTokens.i32();
        products.begin(pairs);
        for (int i = 0; i < pairs; i++) {
            int row = gather ? tokens[pairTokens.at(i)] : i;
            Shapes.inRange("groupedGemm: token of pair", i, row, x.rows());
            products.place(i, x.start(row), result.at(i));
        }
        products.grouped(result.f32(), x.values(), w.matrices(), offsets.i32(), offsets.at(0));
    }

    void combine(Tensor outTensor, Tensor expertOutTensor, Routing routing, Tensor sharedTensor) {
        out = Shapes.cpu(outTensor);
        expertOut = Shapes.cpu(expertOutTensor);
        shared = Shapes.cpu(sharedTensor);
        weights = Shapes.cpu(routing.weights());
        pairRows = Shapes.cpu(routing.pairRows());
        Shapes.equal("combine: columns of expertOut", expertOut.cols(), out.cols());
        Shapes.equal("combine: columns of shared", shared.cols(), out.cols());
        Shapes.atLeast("combine: rows of shared", shared.rows(), out.rows());
        Shapes.atLeast("combine: rows of weights", weights.rows(), out.rows());
        Shapes.atLeast("combine: rows of pairRows", pairRows.rows(), out.rows());
        Shapes.equal("combine: columns of pairRows", pairRows.cols(), weights.cols());
        pool.run(combineRows, out.numRows(), MIN_THREAD_ELEMENTS / Math.max(1, out.numCols()));
    }

    private void combineRows(int from, int to, int worker) {
        int cols = out.numCols();
        for (int t = from; t < to; t++) {
            int o = out.at(t);
            int s = shared.at(t);
            float[] y = out.f32();
            float[] z = shared.f32();
            for (int j = 0; j < weights.numCols(); j++) {
                addPair(t, j, j == 0);
            }
            for (int i = 0; i < cols; i++) {
                y[o + i] += z[s + i];
            }
        }
    }

    /** out[t] = fma(weight, expertOut row, out[t]), from zero for the first expert. */
    private void addPair(int t, int j, boolean isFirst) {
        float[] y = out.f32();
        int o = out.at(t);
        int cols = out.numCols();
        if (isFirst) {
            Arrays.fill(y, o, o + cols, 0);
        }
        int row = pairRows.i32()[pairRows.at(t) + j];
        if (row < 0) {
            return;
        }
        Shapes.inRange("combine: row of expertOut", row, expertOut.rows());
        float weight = weights.f32()[weights.at(t) + j];
        float[] e = expertOut.f32();
        int p = expertOut.at(row);
        for (int i = 0; i < cols; i++) {
            y[o + i] = Math.fma(weight, e[p + i], y[o + i]);
        }
    }
}
