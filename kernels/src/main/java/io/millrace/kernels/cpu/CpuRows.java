package io.millrace.kernels.cpu;

import io.millrace.kernels.DType;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.numeric.Bf16;
import java.util.Arrays;

/** The ops that treat each row by itself: embedding, norms, activations, copies. Rows in parallel. Thread: the rank's. */
final class CpuRows {
    private static final int MIN_THREAD_ELEMENTS = 1 << 14;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final float[][] sums;
    private int firstId;
    private long vocabulary;
    private final WorkerPool.Work embedRows = this::embedRows;
    private final WorkerPool.Work normRows = this::normRows;
    private final WorkerPool.Work quantizeRows = this::quantizeRows;
    private final WorkerPool.Work siluMulRows = this::siluMulRows;
    private final WorkerPool.Work gatherRows = this::gatherRows;

    private CpuTensor out = CpuTensor.EMPTY;
    private CpuTensor x = CpuTensor.EMPTY;
    private CpuTensor residual = CpuTensor.EMPTY;
    private CpuTensor weight = CpuTensor.EMPTY;
    private CpuTensor ids = CpuTensor.EMPTY;
    private CpuActivations activations = CpuActivations.EMPTY;
    private float eps;
    private boolean hasResidual;

    CpuRows(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        sums = new float[pool.numThreads()][Lanes.SUM_LANES];
    }

    void embed(Tensor outTensor, Tensor table, Tensor idTensor, int firstTableId, long newVocabulary) {
        firstId = firstTableId;
        vocabulary = newVocabulary;
        out = Shapes.cpu(outTensor);
        x = Shapes.cpu(table);
        ids = Shapes.cpu(idTensor);
        Shapes.equal("embed: columns of table", x.cols(), out.cols());
        Shapes.atLeast("embed: length of ids", ids.rows(), out.rows());
        start(embedRows, out.numRows());
    }

    void rmsNorm(Tensor outTensor, Tensor xTensor, Tensor weightTensor, float newEps) {
        hasResidual = false;
        norm("rmsNorm", outTensor, xTensor, weightTensor, newEps);
    }

    void addRmsNorm(Tensor outTensor, Tensor residualTensor, Tensor xTensor, Tensor weightTensor, float newEps) {
        hasResidual = true;
        residual = Shapes.cpu(residualTensor);
        Shapes.equal("addRmsNorm: columns of residual", residual.cols(), xTensor.cols());
        Shapes.atLeast("addRmsNorm: rows of residual", residual.rows(), outTensor.rows());
        norm("addRmsNorm", outTensor, xTensor, weightTensor, newEps);
    }

    private void norm(String op, Tensor outTensor, Tensor xTensor, Tensor weightTensor, float newEps) {
        out = Shapes.cpu(outTensor);
        x = Shapes.cpu(xTensor);
        weight = Shapes.cpu(weightTensor);
        eps = newEps;
        Shapes.equal(op, weight, "columns of x", x.cols(), out.cols());
        Shapes.atLeast(op, weight, "rows of x", x.rows(), out.rows());
        Shapes.equal(op, weight, "elements", weight.rows() * weight.cols(), out.cols());
        start(normRows, out.numRows());
    }

    void quantize(Fp8Activations outActivations, Tensor xTensor) {
        activations = Shapes.cpu(outActivations);
        x = Shapes.cpu(xTensor);
        Shapes.equal("quantize: columns of x", x.cols(), activations.cols());
        Shapes.atLeast("quantize: rows of out", activations.rows(), x.rows());
        start(quantizeRows, x.numRows());
    }

    void siluMulQuantize(Fp8Activations outActivations, Tensor gateUp) {
        activations = Shapes.cpu(outActivations);
        x = Shapes.cpu(gateUp);
        Shapes.equal("siluMulQuantize: columns of gateUp", x.cols(), 2 * activations.cols());
        Shapes.atLeast("siluMulQuantize: rows of out", activations.rows(), x.rows());
        start(siluMulRows, x.numRows());
    }

    void gatherRows(Tensor outTensor, Tensor xTensor, Tensor rows) {
        out = Shapes.cpu(outTensor);
        x = Shapes.cpu(xTensor);
        ids = Shapes.cpu(rows);
        Shapes.equal("gatherRows: columns of x", x.cols(), out.cols());
        Shapes.atLeast("gatherRows: length of rows", ids.rows(), out.rows());
        start(gatherRows, out.numRows());
    }

    void copyPages(KvLayer kv, Tensor pairTensor) {
        CpuTensor pages = Shapes.cpu(kv.pages());
        CpuTensor pairs = Shapes.cpu(pairTensor);
        Shapes.equal("copyPages: columns of pairs", pairs.cols(), 2);
        int numPages = pages.numRows() / kv.pageTokens();
        for (int i = 0; i < pairs.numRows(); i++) {
            int from = pairs.i32()[pairs.at(i)];
            int to = pairs.i32()[pairs.at(i) + 1];
            Shapes.inRange("copyPages: page to read", from, numPages);
            Shapes.inRange("copyPages: page to write", to, numPages);
            for (int row = 0; row < kv.pageTokens(); row++) {
                int source = pages.at(from * kv.pageTokens() + row);
                int target = pages.at(to * kv.pageTokens() + row);
                System.arraycopy(pages.f32(), source, pages.f32(), target, pages.numCols());
            }
        }
    }

    private void start(WorkerPool.Work work, int rows) {
        pool.run(work, rows, MIN_THREAD_ELEMENTS / Math.max(1, x.numCols()));
    }

    private void embedRows(int from, int to, int worker) {
        int cols = out.numCols();
        for (int t = from; t < to; t++) {
            int token = ids.i32()[ids.at(t)];
            Shapes.inRange("embed: token id of row", t, token, vocabulary);
            int id = token - firstId;
            if (id < 0 || id >= x.numRows()) {
                Arrays.fill(out.f32(), out.at(t), out.at(t) + cols, 0);
                continue;
            }
            if (x.dtype() == DType.F32) {
                System.arraycopy(x.f32(), x.at(id), out.f32(), out.at(t), cols);
                continue;
            }
            short[] table = x.bf16();
            int p = x.at(id);
            float[] y = out.f32();
            int o = out.at(t);
            for (int i = 0; i < cols; i++) {
                y[o + i] = Bf16.toFloat(table[p + i]);
            }
        }
    }

    private void normRows(int from, int to, int worker) {
        for (int t = from; t < to; t++) {
            if (hasResidual) {
                addRow(residual, x, t);
                normRow(residual, t, sums[worker]);
            } else {
                normRow(x, t, sums[worker]);
            }
        }
    }

    private static void addRow(CpuTensor sum, CpuTensor addend, int t) {
        float[] s = sum.f32();
        float[] a = addend.f32();
        int i = sum.at(t);
        int j = addend.at(t);
        for (int c = 0; c < sum.numCols(); c++) {
            s[i + c] += a[j + c];
        }
    }

    private void normRow(CpuTensor source, int t, float[] scratch) {
        float[] v = source.f32();
        float[] w = weight.f32();
        float[] y = out.f32();
        int p = source.at(t);
        int q = weight.at(0);
        int o = out.at(t);
        int cols = out.numCols();
        float mean = lanes.sumSquares(v, p, cols, scratch) / cols;
        float inverse =
                1f / (float) Math.sqrt(mean + eps); // correctly rounded: sqrt of a float in double is exact enough
        for (int i = 0; i < cols; i++) {
            y[o + i] = v[p + i] * inverse * w[q + i];
        }
    }

    private void quantizeRows(int from, int to, int worker) {
        int cols = x.numCols();
        float[] v = x.f32();
        float[] y = activations.values();
        for (int t = from; t < to; t++) {
            int p = x.at(t);
            int o = activations.start(t) + activations.skewCols();
            for (int i = 0; i < cols; i++) {
                y[o + i] = v[p + i] * Lanes.HALF_WIDENING;
            }
        }
    }

    private void siluMulRows(int from, int to, int worker) {
        int cols = x.numCols() / 2;
        float[] v = x.f32();
        float[] y = activations.values();
        for (int t = from; t < to; t++) {
            int gate = x.at(t);
            int up = gate + cols;
            int o = activations.start(t) + activations.skewCols();
            lanes.expNegated(y, o, v, gate, cols);
            for (int i = 0; i < cols; i++) {
                float silu = v[gate + i] / (1f + y[o + i]);
                y[o + i] = silu * v[up + i] * Lanes.HALF_WIDENING;
            }
        }
    }

    private void gatherRows(int from, int to, int worker) {
        for (int t = from; t < to; t++) {
            int row = ids.i32()[ids.at(t)];
            Shapes.inRange("gatherRows: row", t, row, x.rows());
            System.arraycopy(x.f32(), x.at(row), out.f32(), out.at(t), out.numCols());
        }
    }
}
