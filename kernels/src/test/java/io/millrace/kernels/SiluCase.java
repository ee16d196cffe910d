package io.millrace.kernels;

import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** {@link Ops#siluMulQuantize}, seen through a product with the identity matrix in e4m3. */
public final class SiluCase implements OpCase {
    private static final byte ONE = E4m3.encode(1);

    private final Numerics numerics;
    private final int rows;
    private final int dim;
    private final float[] gateUp;

    /** Makes a case. */
    public SiluCase(Numerics numerics, int rows, int dim) {
        this.numerics = numerics;
        this.rows = rows;
        this.dim = dim;
        gateUp = Inputs.floats(new SplittableRandom(11L * rows + dim), rows * 2 * dim);
        for (int i = 0; i < gateUp.length; i++) {
            gateUp[i] *= i % 7 == 0 ? 100 : 4; // beyond the range of exp, too
        }
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return dim;
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        int count = to - from;
        Fp8Activations activations = device.allocateActivations(count, dim);
        float[] part = Inputs.rows(gateUp, from, to, 2 * dim);
        rank.ops().siluMulQuantize(activations, Inputs.tensor(device, part, count, 2 * dim));
        return throughIdentity(rank, activations, dim);
    }

    /** The f32 rows that activations stand for. */
    static float[] throughIdentity(Rank rank, Fp8Activations activations, int dim) {
        byte[] identity = new byte[dim * dim];
        for (int i = 0; i < dim; i++) {
            identity[i * dim + i] = ONE;
        }
        int blocks = (dim + 127) / 128;
        float[] scales = new float[blocks * blocks];
        Arrays.fill(scales, 1);
        Fp8Matrix matrix = new Fp8Matrix(ByteBuffer.wrap(identity), Inputs.f32Bytes(scales), dim, dim);
        Fp8Weight w = rank.device().uploadFp8("identity", List.of(List.of(matrix)));
        Tensor out = rank.device().allocate(DType.F32, activations.rows(), dim);
        rank.ops().gemm(out, activations, w);
        return Inputs.floats(rank.device(), out);
    }

    @Override
    public double[] expected() {
        double[] y = new double[rows * dim];
        for (int i = 0; i < y.length; i++) {
            double gate = gateUp[i / dim * 2 * dim + i % dim];
            double up = gateUp[i / dim * 2 * dim + dim + i % dim];
            y[i] = gate / (1 + Math.exp(-gate)) * up;
        }
        return y;
    }

    @Override
    public double[] magnitude() {
        double[] y = expected();
        double[] magnitude = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            magnitude[i] = numerics == Numerics.CPU
                    ? Math.abs(y[i]) + 1e-18 // the product that shows the rows loses what is below 2^-89
                    : Math.max(Math.abs(y[i]) / 16, largestOfGroup(y, i) / E4m3.MAX / 1024);
        }
        return magnitude;
    }

    private double largestOfGroup(double[] y, int i) {
        int first = i - i % dim % Fp8Matrix.BLOCK;
        int end = Math.min(first + Fp8Matrix.BLOCK, i - i % dim + dim);
        return Arrays.stream(y, first, end).map(Math::abs).reduce(1e-4, Math::max); // no scale is for less
    }

    /** On cuda the magnitude is e4m3's rounding: half a step of 4 significant bits, or half the smallest subnormal. */
    @Override
    public double bound() {
        return numerics == Numerics.CPU ? 5e-7 : 1 + 1e-5;
    }

    @Override
    public String toString() {
        return "silu · up of " + rows + " rows of " + dim;
    }
}
