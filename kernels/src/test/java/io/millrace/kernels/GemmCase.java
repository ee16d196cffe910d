package io.millrace.kernels;

import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;

/** {@link Ops#gemm}, {@link Ops#groupedGemm}: e4m3 or bf16 parts, one or several experts; rows choose one expert each. */
public final class GemmCase implements OpCase {
    private final int rows;
    private final int[] partRows;
    private final int k;
    private final int experts;
    private final int[] expertOfRow;
    private final LinearFormat format;
    /** [experts, parts] matrices as they lie in a checkpoint: {@link Fp8Matrix} or {@link Bf16Matrix}. */
    private final Object[][] matrices;
    /** [experts, parts]: element r · K + i of a matrix, decoded when asked for, since a case of published size is large. */
    private final IntToDoubleFunction[][] weights;

    private final float[] x;
    private final double[] multiplied;

    /** Makes a case; {@code experts} 0: an ordinary product. */
    public GemmCase(Numerics numerics, int rows, int k, int experts, int... partRows) {
        this(LinearFormat.E4M3, numerics, rows, k, experts, partRows);
    }

    /** Makes a case of weights in that format. */
    public GemmCase(LinearFormat format, Numerics numerics, int rows, int k, int experts, int... partRows) {
        this.format = format;
        SplittableRandom random = new SplittableRandom(31L * rows + k + experts);
        this.rows = rows;
        this.partRows = partRows;
        this.k = k;
        this.experts = experts;
        expertOfRow = new int[rows];
        for (int i = 0; i < rows; i++) {
            expertOfRow[i] = experts == 0 ? 0 : rows % 5 == 0 ? experts - 1 : random.nextInt(experts);
        }
        matrices = new Object[Math.max(1, experts)][partRows.length];
        weights = new IntToDoubleFunction[matrices.length][partRows.length];
        for (int e = 0; e < matrices.length; e++) {
            for (int p = 0; p < partRows.length; p++) {
                draw(random, e, p);
            }
        }
        x = Inputs.floats(random, rows * k);
        multiplied = numerics.activations(x, k, format);
    }

    private static int blocks(int count) {
        return (count + 127) / 128;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int cols() {
        return Arrays.stream(partRows).sum();
    }

    private void draw(SplittableRandom random, int e, int p) {
        int count = partRows[p] * k;
        if (!format.isScaled()) {
            float[] values = Inputs.asBf16(Inputs.floats(random, count));
            matrices[e][p] = new Bf16Matrix(Inputs.bf16Bytes(values), partRows[p], k);
            weights[e][p] = i -> values[i];
            return;
        }
        byte[] codes = Inputs.codes(random, count);
        float[] scales = Inputs.floats(random, blocks(partRows[p]) * blocks(k));
        matrices[e][p] = new Fp8Matrix(ByteBuffer.wrap(codes), Inputs.f32Bytes(scales), partRows[p], k);
        weights[e][p] = i -> (double) E4m3.decode(codes[i]) * scales[i / k / 128 * blocks(k) + i % k / 128];
    }

    private LinearWeight upload(Device device) {
        return !format.isScaled()
                ? device.uploadBf16("w", parts(Bf16Matrix.class))
                : device.uploadFp8("w", parts(Fp8Matrix.class));
    }

    private <T> List<List<T>> parts(Class<T> type) {
        return Arrays.stream(matrices)
                .map(expert -> Arrays.stream(expert).map(type::cast).toList())
                .toList();
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        LinearWeight w = upload(device);
        int count = to - from;
        Fp8Activations activations =
                device.allocateActivations(count + 1, k, format).firstRows(count);
        rank.ops().quantize(activations, Inputs.tensor(device, Inputs.rows(x, from, to, k), count, k));
        Tensor out = device.allocate(DType.F32, count, cols());
        if (experts == 0) {
            rank.ops().gemm(out, activations, w);
            return Inputs.floats(device, out);
        }
        int[] offsets = new int[experts + 1];
        int[] tokens = new int[count];
        int pairs = 0;
        for (int e = 0; e < experts; e++) {
            for (int i = 0; i < count; i++) {
                if (expertOfRow[from + i] == e) {
                    tokens[pairs++] = i;
                }
            }
            offsets[e + 1] = pairs;
        }
        Tensor none = device.allocate(DType.I32, 0, 1);
        Routing routing = new Routing(
                none, none, Inputs.tensor(device, offsets, experts + 1), Inputs.tensor(device, tokens, count), none);
        rank.ops().groupedGemm(out, activations, w, routing, true);
        return inTokenOrder(Inputs.floats(device, out), tokens);
    }

    private float[] inTokenOrder(float[] expertOrder, int[] tokens) {
        float[] result = new float[expertOrder.length];
        for (int i = 0; i < tokens.length; i++) {
            System.arraycopy(expertOrder, i * cols(), result, tokens[i] * cols(), cols());
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
        double[] y = new double[rows * cols()];
        for (int t = 0; t < rows; t++) {
            int n = 0;
            for (int p = 0; p < partRows.length; p++) {
                for (int r = 0; r < partRows[p]; r++, n++) {
                    for (int i = 0; i < k; i++) {
                        double term = multiplied[t * k + i] * weights[expertOfRow[t]][p].applyAsDouble(r * k + i);
                        y[t * cols() + n] += isAbsolute ? Math.abs(term) : term;
                    }
                }
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
        return "gemm " + format + " of " + rows + " rows, " + experts + " experts, parts " + Arrays.toString(partRows)
                + ", K " + k;
    }
}
