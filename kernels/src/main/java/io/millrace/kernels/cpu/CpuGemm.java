package io.millrace.kernels.cpu;

import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Tensor;

/** The matrix products of {@link io.millrace.kernels.Ops} that take every row. Thread: the rank's. */
final class CpuGemm {
    private final PanelProducts products;

    CpuGemm(PanelProducts products) {
        this.products = products;
    }

    void gemm(Tensor outTensor, Fp8Activations activations, LinearWeight weight) {
        CpuTensor out = Shapes.cpu(outTensor);
        CpuActivations x = Shapes.cpu(activations);
        CpuLinearWeight w = linear(weight);
        Shapes.equal("gemm", w, "experts", w.numExperts(), 1);
        w.checkColumns("gemm", x);
        checkProduct("gemm", w, out, x.rows(), x.cols(), w.rows(), w.cols());
        products.begin(out.numRows());
        for (int t = 0; t < out.numRows(); t++) {
            products.place(t, x.start(t), out.at(t));
        }
        products.each(out.f32(), 0, x.values(), 0, w.matrices());
    }

    void denseGemm(Tensor outTensor, Tensor xTensor, DenseWeight weight) {
        CpuTensor out = Shapes.cpu(outTensor);
        CpuTensor x = Shapes.cpu(xTensor);
        CpuDenseWeight w = dense(weight);
        Shapes.equal("denseGemm", w, "heads", w.numHeads(), 1);
        checkProduct("denseGemm", w, out, x.rows(), x.cols(), w.rows(), w.cols());
        products.begin(out.numRows());
        for (int t = 0; t < out.numRows(); t++) {
            products.place(t, x.at(t), out.at(t));
        }
        products.each(out.f32(), 0, x.f32(), 0, w.matrices());
    }

    void headGemm(Tensor outTensor, int outStart, Tensor xTensor, int xStart, DenseWeight weight) {
        CpuTensor out = Shapes.cpu(outTensor);
        CpuTensor x = Shapes.cpu(xTensor);
        CpuDenseWeight w = dense(weight);
        Shapes.equal("headGemm", w, "rows of x", x.rows(), out.rows());
        int outStep = headColumns(w, "out", out, outStart, w.rows());
        int xStep = headColumns(w, "x", x, xStart, w.cols());
        products.begin(out.numRows());
        for (int t = 0; t < out.numRows(); t++) {
            products.place(t, x.at(t) + xStart, out.at(t) + outStart);
        }
        products.each(out.f32(), outStep, x.f32(), xStep, w.matrices());
    }

    static CpuLinearWeight linear(LinearWeight weight) {
        if (weight instanceof CpuLinearWeight) {
            return (CpuLinearWeight) weight;
        }
        throw new IllegalArgumentException("weight " + weight.name() + " belongs to another back end");
    }

    private static CpuDenseWeight dense(DenseWeight weight) {
        if (weight instanceof CpuDenseWeight) {
            return (CpuDenseWeight) weight;
        }
        throw new IllegalArgumentException("weight " + weight.name() + " belongs to another back end");
    }

    private static void checkProduct(String op, Object w, CpuTensor out, long rows, long cols, int wRows, int wCols) {
        Shapes.equal(op, w, "columns of x", cols, wCols);
        Shapes.equal(op, w, "columns of out", out.cols(), wRows);
        Shapes.atLeast(op, w, "rows of x", rows, out.rows());
    }

    /** Returns the columns of one head of t, after checking that the part from {@code start} on fits. */
    private static int headColumns(CpuDenseWeight w, String what, CpuTensor t, int start, int count) {
        int columns = t.numCols() / w.numHeads();
        if (columns * w.numHeads() != t.numCols() || start < 0 || start + count > columns) {
            throw new IllegalArgumentException("headGemm " + w + ": " + what + " " + t + " has no columns " + start
                    + " … " + (start + count - 1) + " in each of " + w.numHeads() + " heads");
        }
        return columns;
    }
}
