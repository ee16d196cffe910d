package io.millrace.bench;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Rank;
import io.millrace.kernels.Tensor;
import java.util.SplittableRandom;

/** Decode attention: sequences of one context length, one row each, pages in order. */
final class AttentionOp implements BenchOp {
    private static final int PAGE_TOKENS = 64;
    /** Softmax scale of the benchmark: keys and queries are uniform in ±1. */
    static final float SCALE = 0.1f;

    private final Rank rank;
    private final int sequences;
    private final int context;
    private final int heads;
    private final int latentDim;
    private final int width;
    private final int pagesEach;
    private final float[] keyValues;
    private final float[] qValues;
    private final Tensor q;
    private final Tensor out;
    private final KvLayer kv;
    private final AttentionBatch batch;

    AttentionOp(Rank rank, int sequences, int context, int heads, int latentDim, int ropeDim) {
        this.rank = rank;
        this.sequences = sequences;
        this.context = context;
        this.heads = heads;
        this.latentDim = latentDim;
        width = latentDim + ropeDim;
        pagesEach = (context + PAGE_TOKENS - 1) / PAGE_TOKENS;
        SplittableRandom random = new SplittableRandom(2);
        keyValues = new float[sequences * pagesEach * PAGE_TOKENS * width];
        qValues = new float[sequences * heads * width];
        fill(random, keyValues);
        fill(random, qValues);
        Device device = rank.device();
        Tensor pages = device.allocate(DType.F32, (long) sequences * pagesEach * PAGE_TOKENS, width);
        device.write(pages, keyValues, keyValues.length);
        kv = new KvLayer(pages, PAGE_TOKENS, latentDim, ropeDim);
        q = device.allocate(DType.F32, sequences, heads, width);
        device.write(q, qValues, qValues.length);
        out = device.allocate(DType.F32, sequences, heads, latentDim);
        batch = batch(device);
    }

    private static void fill(SplittableRandom random, float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextDouble() * 2 - 1);
        }
    }

    private AttentionBatch batch(Device device) {
        int[] starts = new int[sequences + 1];
        int[] contexts = new int[sequences];
        int[] tables = new int[sequences * pagesEach];
        for (int s = 0; s < sequences; s++) {
            starts[s + 1] = s + 1;
            contexts[s] = context;
        }
        for (int i = 0; i < tables.length; i++) {
            tables[i] = i;
        }
        Tensor startsTensor = device.allocate(DType.I32, sequences + 1);
        device.write(startsTensor, starts, starts.length);
        Tensor contextsTensor = device.allocate(DType.I32, sequences);
        device.write(contextsTensor, contexts, contexts.length);
        Tensor tablesTensor = device.allocate(DType.I32, sequences, pagesEach);
        device.write(tablesTensor, tables, tables.length);
        return new AttentionBatch(startsTensor, contextsTensor, tablesTensor, sequences);
    }

    @Override
    public void run() {
        rank.ops().mlaAttention(out, q, kv, batch, SCALE);
    }

    /** Returns one number of a query. */
    float q(int sequence, int head, int column) {
        return qValues[(sequence * heads + head) * width + column];
    }

    /** Returns one number of a cached token: latent, then rope key. */
    float key(int sequence, int position, int column) {
        return keyValues[(sequence * pagesEach * PAGE_TOKENS + position) * width + column];
    }

    @Override
    public String name() {
        return "mlaAttention";
    }

    @Override
    public String shape() {
        return sequences + " sequences of " + context + " tokens, " + heads + " heads, " + latentDim + " + "
                + (width - latentDim);
    }

    @Override
    public long bytes() {
        return 4L * sequences * ((long) context * width + (long) heads * (width + latentDim));
    }

    @Override
    public long flops() {
        return 2L * sequences * heads * context * (width + latentDim);
    }

    @Override
    public Tensor out() {
        return out;
    }
}
