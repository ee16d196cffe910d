package io.millrace.kernels;

import java.util.SplittableRandom;

/** {@link Ops#rmsNorm} on a column view, {@link Ops#addRmsNorm}; the result is the norm, followed by the residual where there is one. */
public final class NormCase implements OpCase {
    private static final float EPS = 1e-6f;

    private final int rows;
    private final int dim;
    private final boolean hasResidual;
    private final float[] x;
    private final float[] residual;
    private final float[] weight;

    /** Makes a case. */
    public NormCase(int rows, int dim, boolean hasResidual) {
        SplittableRandom random = new SplittableRandom(5L * rows + dim);
        this.rows = rows;
        this.dim = dim;
        this.hasResidual = hasResidual;
        x = Inputs.floats(random, rows * dim);
        residual = Inputs.floats(random, rows * dim);
        weight = Inputs.floats(random, dim);
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return hasResidual ? 2 * dim : dim;
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        int count = to - from;
        Tensor w = Inputs.tensor(device, weight, dim);
        float[] part = Inputs.rows(x, from, to, dim);
        if (hasResidual) {
            Tensor sum = Inputs.tensor(device, Inputs.rows(residual, from, to, dim), count, dim);
            Tensor out = device.allocate(DType.F32, count, dim);
            rank.ops().addRmsNorm(out, sum, Inputs.tensor(device, part, count, dim), w, EPS);
            return sideBySide(Inputs.floats(device, out), Inputs.floats(device, sum), dim);
        }
        float[] wide = new float[count * (dim + 5)];
        for (int i = 0; i < count; i++) {
            System.arraycopy(part, i * dim, wide, i * (dim + 5) + 2, dim);
        }
        Tensor view = Inputs.tensor(device, wide, count, dim + 5).columns(2, dim);
        rank.ops().rmsNorm(view, view, w, EPS);
        Tensor all = device.allocate(DType.I32, count); // rows 0 … count − 1, to read a view through gatherRows
        int[] identity = new int[count];
        for (int i = 0; i < count; i++) {
            identity[i] = i;
        }
        device.write(all, identity, count);
        Tensor out = device.allocate(DType.F32, count, dim);
        rank.ops().gatherRows(out, view, all);
        return Inputs.floats(device, out);
    }

    private static float[] sideBySide(float[] left, float[] right, int dim) {
        float[] both = new float[left.length + right.length];
        for (int i = 0; i < left.length; i++) {
            both[i / dim * 2 * dim + i % dim] = left[i];
            both[i / dim * 2 * dim + dim + i % dim] = right[i];
        }
        return both;
    }

    @Override
    public double[] expected() {
        double[] y = new double[rows * cols()];
        for (int t = 0; t < rows; t++) {
            double squares = 0;
            for (int i = 0; i < dim; i++) {
                squares += input(t, i) * input(t, i);
            }
            for (int i = 0; i < dim; i++) {
                y[t * cols() + i] = input(t, i) / Math.sqrt(squares / dim + EPS) * weight[i];
                if (hasResidual) {
                    y[t * cols() + dim + i] = input(t, i);
                }
            }
        }
        return y;
    }

    private double input(int t, int i) {
        return hasResidual
                ? x[t * dim + i] + residual[t * dim + i]
                : x[t * dim + i]; // the f32 sum, as the contract has it
    }

    @Override
    public double[] magnitude() {
        double[] y = expected();
        for (int i = 0; i < y.length; i++) {
            y[i] = Math.abs(y[i]);
        }
        return y;
    }

    @Override
    public double bound() {
        return 5e-7;
    }

    @Override
    public String toString() {
        return "norm of " + rows + " rows of " + dim + (hasResidual ? " with residual" : "");
    }
}
