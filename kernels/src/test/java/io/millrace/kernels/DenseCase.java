package io.millrace.kernels;

import java.util.SplittableRandom;

/** {@link Ops#denseGemm} (heads 0) and {@link Ops#headGemm}, with columns left free on both sides. */
public final class DenseCase implements OpCase {
    private static final int X_START = 2;
    private static final int OUT_START = 3;

    private final DType dtype;
    private final int rows;
    private final int heads;
    private final int n;
    private final int k;
    private final float[] w;
    private final float[] x;
    private final float[] multipliedW;
    private final float[] multipliedX;

    /** Makes a case. */
    public DenseCase(Numerics numerics, DType dtype, int rows, int heads, int n, int k) {
        SplittableRandom random = new SplittableRandom(17L * rows + k + n);
        this.dtype = dtype;
        this.rows = rows;
        this.heads = heads;
        this.n = n;
        this.k = k;
        float[] values = Inputs.floats(random, Math.max(1, heads) * n * k);
        w = dtype == DType.BF16 ? Inputs.asBf16(values) : values;
        x = Inputs.floats(random, rows * Math.max(1, heads) * k);
        multipliedW = numerics.operand(w);
        multipliedX = numerics.operand(x);
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return Math.max(1, heads) * n;
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        int count = to - from;
        if (heads == 0) {
            DenseWeight weight = device.uploadDense(
                    "w", dtype, dtype == DType.BF16 ? Inputs.bf16Bytes(w) : Inputs.f32Bytes(w), n, k);
            Tensor out = device.allocate(DType.F32, count, n);
            rank.ops().denseGemm(out, Inputs.tensor(device, Inputs.rows(x, from, to, k), count, k), weight);
            return Inputs.floats(device, out);
        }
        int wide = k + X_START + 1;
        float[] padded = new float[count * heads * wide];
        for (int i = 0; i < count * heads; i++) {
            System.arraycopy(x, (from * heads + i) * k, padded, i * wide + X_START, k);
        }
        int outWide = n + OUT_START + 2;
        Tensor out = device.allocate(DType.F32, count, heads, outWide);
        rank.ops()
                .headGemm(
                        out,
                        OUT_START,
                        Inputs.tensor(device, padded, count, heads, wide),
                        X_START,
                        device.uploadHeads("w", w, heads, n, k));
        float[] all = Inputs.floats(device, out);
        float[] result = new float[count * heads * n];
        for (int i = 0; i < count * heads; i++) {
            System.arraycopy(all, i * outWide + OUT_START, result, i * n, n);
            for (int j : new int[] {0, 1, 2, n + OUT_START, n + OUT_START + 1}) {
                if (all[i * outWide + j] != 0) {
                    throw new AssertionError(this + " wrote beside its columns: " + j);
                }
            }
        }
        return result;
    }

    @Override
    public double[] expected() {
        return sums(false);
    }

    @Override
    public double[] magnitude() {
        return sums(true);
    }

    private double[] sums(boolean isAbsolute) {
        int matrices = Math.max(1, heads);
        double[] y = new double[rows * matrices * n];
        for (int i = 0; i < y.length; i++) {
            int t = i / n / matrices;
            int h = i / n % matrices;
            for (int j = 0; j < k; j++) {
                double term = (double) multipliedX[(t * matrices + h) * k + j] * multipliedW[(h * n + i % n) * k + j];
                y[i] += isAbsolute ? Math.abs(term) : term;
            }
        }
        return y;
    }

    @Override
    public double bound() {
        return 2e-6;
    }

    @Override
    public String toString() {
        return dtype + " product of " + rows + " rows, " + heads + " heads, N " + n + ", K " + k;
    }
}
