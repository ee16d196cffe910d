package io.millrace.bench;

import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Fp8Matrix;
import io.millrace.kernels.Fp8Weight;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Routing;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.numeric.E4m3;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * An e4m3 product: {@code gemm}, or with several experts {@code groupedGemm} over tokens that chose evenly. Inputs can be read back by
 * a test: {@link #x}, {@link #weight}, {@link #place}.
 */
final class GemmOp implements BenchOp {
    private static final int BLOCK = Fp8Matrix.BLOCK;

    private final Rank rank;
    private final int tokens;
    private final int experts;
    private final int expertsPerToken;
    private final int n;
    private final int k;
    private final float[] xValues;
    private final byte[][] codes;
    private final float[] scales;
    private final Fp8Activations activations;
    private final Fp8Weight w;
    private final Tensor out;
    private final Routing routing;

    /**
     * Prepares a product.
     *
     * @param tokens T, rows of x
     * @param experts 1 = {@code gemm}
     * @param expertsPerToken 1 for {@code gemm}; at most {@code experts}
     * @param n output features
     * @param k input features
     */
    GemmOp(Rank rank, int tokens, int experts, int expertsPerToken, int n, int k) {
        this.rank = rank;
        this.tokens = tokens;
        this.experts = experts;
        this.expertsPerToken = expertsPerToken;
        this.n = n;
        this.k = k;
        SplittableRandom random = new SplittableRandom(1);
        xValues = floats(random, tokens * k);
        scales = floats(random, blocks(n) * blocks(k));
        codes = new byte[experts][n * k];
        for (byte[] expert : codes) {
            for (int i = 0; i < expert.length; i++) {
                expert[i] = E4m3.encode((float) (random.nextDouble() * 2 - 1));
            }
        }
        Device device = rank.device();
        activations = device.allocateActivations(tokens, k);
        Tensor x = device.allocate(DType.F32, tokens, k);
        device.write(x, xValues, xValues.length);
        rank.ops().quantize(activations, x);
        w = device.uploadFp8(
                "w",
                IntStream.range(0, experts).mapToObj(e -> List.of(matrix(e))).toList());
        out = device.allocate(DType.F32, (long) tokens * expertsPerToken, n);
        routing = routing(device);
    }

    private static int blocks(int count) {
        return (count + BLOCK - 1) / BLOCK;
    }

    private static float[] floats(SplittableRandom random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextDouble() * 2 - 1);
        }
        return values;
    }

    private Fp8Matrix matrix(int expert) {
        ByteBuffer scaleBytes = ByteBuffer.allocate(4 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float s : scales) {
            scaleBytes.putFloat(s);
        }
        return new Fp8Matrix(ByteBuffer.wrap(codes[expert]), scaleBytes.flip(), n, k);
    }

    /** Token t chooses the experts {@code (t + j · ⌊experts / expertsPerToken⌋) mod experts} of j &lt; expertsPerToken. */
    private boolean isChosen(int token, int expert) {
        int stride = experts / expertsPerToken;
        int distance = Math.floorMod(expert - token, experts);
        return distance % stride == 0 && distance / stride < expertsPerToken;
    }

    private Routing routing(Device device) {
        int[] offsets = new int[experts + 1];
        int[] pairTokens = new int[tokens * expertsPerToken];
        int pair = 0;
        for (int e = 0; e < experts; e++) {
            for (int t = 0; t < tokens; t++) {
                if (isChosen(t, e)) {
                    pairTokens[pair++] = t;
                }
            }
            offsets[e + 1] = pair;
        }
        Tensor offsetsTensor = device.allocate(DType.I32, offsets.length);
        device.write(offsetsTensor, offsets, offsets.length);
        Tensor tokensTensor = device.allocate(DType.I32, pairTokens.length);
        device.write(tokensTensor, pairTokens, pairTokens.length);
        Tensor unused = device.allocate(DType.I32, 0, 1);
        return new Routing(unused, unused, offsetsTensor, tokensTensor, unused);
    }

    @Override
    public void run() {
        if (experts == 1) {
            rank.ops().gemm(out, activations, w);
        } else {
            rank.ops().groupedGemm(out, activations, w, routing, true);
        }
    }

    /** Returns the token and the expert of a row of the output. */
    int[] place(int row) {
        int pair = 0;
        for (int e = 0; e < experts; e++) {
            for (int t = 0; t < tokens; t++) {
                if (isChosen(t, e) && pair++ == row) {
                    return new int[] {t, e};
                }
            }
        }
        throw new IllegalArgumentException("no row " + row);
    }

    /** Returns an input. */
    float x(int token, int column) {
        return xValues[token * k + column];
    }

    /** Returns a weight. */
    double weight(int expert, int row, int column) {
        return (double) E4m3.decode(codes[expert][row * k + column]) * scales[row / BLOCK * blocks(k) + column / BLOCK];
    }

    @Override
    public String name() {
        return experts == 1 ? "gemm" : "groupedGemm";
    }

    @Override
    public String shape() {
        return (experts == 1 ? "" : experts + " experts, " + expertsPerToken + " per token, ") + "T " + tokens + ", N "
                + n + ", K " + k;
    }

    @Override
    public long bytes() {
        long touched = Math.min(experts, (long) tokens * expertsPerToken);
        return touched * ((long) n * k + 4L * scales.length) + 4L * tokens * k + 4L * tokens * expertsPerToken * n;
    }

    @Override
    public long flops() {
        return 2L * tokens * expertsPerToken * n * k;
    }

    @Override
    public Tensor out() {
        return out;
    }
}
