package io.millrace.kernels.cuda;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.DType;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Tensor;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Absorbed MLA over bf16 pages: a plan once a step, then attention and merge for each layer. docs/kernels/mla_attention.md. Thread:
 * the rank's.
 */
final class CudaMlaAttention {
    /** Room for the partial values of split contexts; a step that needs more goes in order, with the same bits. */
    private static final long PARTIAL_BYTES = 32L << 20;

    private static final int MAX_PARTIALS = 8192;
    private static final long MIN_ROWS = 1024;
    private static final int LINES = 64; // kLines
    private static final int THREADS = 384;
    private static final int PLAN_THREADS = 256; // kPlanThreads
    private static final int MERGE_THREADS = 128;
    private static final int MERGE_LINES = 4; // of a block
    private static final float LOG2_E = 1.44269504f;

    private final CudaDevice device;
    private final LaunchBlock plan;
    private final Map<String, Instance> instances = new TreeMap<>();
    private @Nullable Room room;
    private @Nullable PlanKey planned;

    /** Kernels of one width. */
    private record Instance(LaunchBlock attention, LaunchBlock merge) {}

    /** What a plan depends on, by address; what lies there changes only with the device's epoch. */
    private record PlanKey(long queryStarts, long contextTokens, int numSequences, long rows, int heads, long epoch) {}

    /** Memory between the kernels, for at most so many rows of so many heads and latent columns. */
    private record Room(
            long rows,
            int heads,
            int latentDim,
            int capacity,
            CudaTensor plan,
            CudaTensor items,
            CudaTensor rowSegments,
            CudaTensor partials,
            CudaTensor partialSums,
            CudaTensor running) {}

    CudaMlaAttention(CudaDevice device) {
        this.device = device;
        CudaImage image = device.image();
        plan = image.kernel("mla_attention_plan");
        instances.put(
                "512 + 64",
                new Instance(image.kernel("mla_attention_512_64", 230_448), image.kernel("mla_attention_merge_512")));
        instances.put(
                "64 + 32",
                new Instance(image.kernel("mla_attention_64_32", 58_416), image.kernel("mla_attention_merge_64")));
    }

    void mlaAttention(Tensor outTensor, Tensor qTensor, KvLayer kv, AttentionBatch batch, float softmaxScale) {
        CudaTensor out = Operands.f32(outTensor);
        CudaTensor q = Operands.f32(qTensor);
        CudaTensor pages = Operands.bf16(kv.pages());
        String widths = kv.latentDim() + " + " + kv.ropeDim();
        Instance instance = instances.get(widths);
        if (instance == null) {
            throw new IllegalArgumentException("mlaAttention: latent + rope columns are " + widths
                    + " but there are kernels for " + instances.keySet() + " only: use --backend cpu");
        }
        int width = kv.latentDim() + kv.ropeDim();
        Operands.multiple("mlaAttention: columns of out", out.cols(), kv.latentDim());
        int heads = Math.toIntExact(out.cols() / kv.latentDim());
        Operands.equal("mlaAttention: columns of q", q.cols(), (long) heads * width);
        Operands.atLeast("mlaAttention: rows of q", q.rows(), out.rows());
        Operands.equal("mlaAttention: columns of the pages", pages.cols(), width);
        Operands.contiguous("mlaAttention: out", out);
        Operands.contiguous("mlaAttention: q", q);
        Operands.contiguous("mlaAttention: pages", pages);
        if (out.rows() == 0) {
            return;
        }
        Room r = roomFor(out.rows(), heads, kv.latentDim());
        plan(r, batch, out.rows(), heads);
        attend(instance, r, out, q, kv, batch, softmaxScale);
    }

    /** Grows outside of captured steps only: run the largest step once before capturing. */
    private Room roomFor(long rows, int heads, int latentDim) {
        Room r = room;
        if (r != null && r.rows >= rows && r.heads == heads && r.latentDim == latentDim) {
            return r;
        }
        boolean isSameWidth = r != null && r.heads == heads && r.latentDim == latentDim;
        r = withRows(
                isSameWidth && r != null ? r : withoutRows(heads, latentDim),
                Math.max(MIN_ROWS, Long.highestOneBit(rows) * 2));
        room = r;
        planned = null;
        return r;
    }

    private Room withoutRows(int heads, int latentDim) {
        long bytesOfPartial = (long) heads * latentDim * DType.F32.elementBytes();
        int capacity = (int) Math.min(MAX_PARTIALS, PARTIAL_BYTES / bytesOfPartial);
        CudaTensor none = device.allocate(DType.I32, 0);
        return new Room(
                0,
                heads,
                latentDim,
                capacity,
                device.allocate(DType.I32, 4),
                none,
                none,
                device.allocate(DType.F32, capacity, heads, latentDim),
                device.allocate(DType.F32, capacity, heads, 2),
                device.allocate(DType.F32, device.numSms(), LINES, latentDim));
    }

    private Room withRows(Room r, long rows) {
        return new Room(
                rows,
                r.heads,
                r.latentDim,
                r.capacity,
                r.plan,
                device.allocate(DType.I32, rows + r.capacity, 4),
                device.allocate(DType.I32, rows, 2),
                r.partials,
                r.partialSums,
                r.running);
    }

    /** Plans, unless the last plan was for the same step. */
    private void plan(Room r, AttentionBatch batch, long rows, int heads) {
        CudaTensor queryStarts = Operands.i32(batch.queryStarts());
        CudaTensor contextTokens = Operands.i32(batch.contextTokens());
        Operands.atLeast("mlaAttention: length of queryStarts", queryStarts.rows(), batch.numSequences() + 1L);
        Operands.atLeast("mlaAttention: length of contextTokens", contextTokens.rows(), batch.numSequences());
        PlanKey key = new PlanKey(
                queryStarts.pointer(), contextTokens.pointer(), batch.numSequences(), rows, heads, device.epoch());
        if (key.equals(planned)) {
            return;
        }
        int headGroups = (heads + LINES - 1) / LINES;
        plan.begin()
                .i64(queryStarts.pointer())
                .i64(contextTokens.pointer())
                .i64(r.plan.pointer())
                .i64(r.items.pointer())
                .i64(r.rowSegments.pointer());
        plan.i32(batch.numSequences()).i32(rows).i32(rowsOfATile(heads)).i32(r.capacity);
        plan.i32(Math.max(1, 2 * device.numSms() / headGroups)).i32(0);
        plan.launch(1, 1, PLAN_THREADS);
        planned = key;
    }

    /** Heads of one row fill a tile's lines up to a power of two. */
    private static int rowsOfATile(int heads) {
        int padded = 1;
        while (padded < heads && padded < LINES) {
            padded *= 2;
        }
        return LINES / padded;
    }

    private void attend(
            Instance instance,
            Room r,
            CudaTensor out,
            CudaTensor q,
            KvLayer kv,
            AttentionBatch batch,
            float softmaxScale) {
        CudaTensor tables = Operands.i32(batch.blockTables());
        Operands.atLeast("mlaAttention: rows of blockTables", tables.rows(), batch.numSequences());
        Operands.contiguous("mlaAttention: blockTables", tables);
        for (LaunchBlock kernel : new LaunchBlock[] {instance.attention, instance.merge}) {
            kernel.begin()
                    .i64(out.pointer())
                    .i64(q.pointer())
                    .i64(Operands.cuda(kv.pages()).pointer());
            kernel.i64(Operands.i32(batch.queryStarts()).pointer());
            kernel.i64(Operands.i32(batch.contextTokens()).pointer()).i64(tables.pointer());
            kernel.i64(r.plan.pointer()).i64(r.items.pointer()).i64(r.rowSegments.pointer());
            kernel.i64(r.partials.pointer()).i64(r.partialSums.pointer()).i64(r.running.pointer());
            kernel.f32(softmaxScale * LOG2_E).i32(out.rows()).i32(r.heads).i32(kv.pageTokens());
            kernel.i32(tables.cols()).flag(false).flag(true).i32(0);
        }
        instance.attention.launch(device.numSms(), 1, THREADS);
        long lines = out.rows() * r.heads;
        instance.merge.launch((lines + MERGE_LINES - 1) / MERGE_LINES, 1, MERGE_THREADS);
    }
}
