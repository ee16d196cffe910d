package io.millrace.kernels.cpu;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Tensor;
import io.millrace.kernels.cpu.simd.Keys;
import io.millrace.kernels.cpu.simd.Lanes;
import io.millrace.kernels.cpu.simd.ScalarLanes;
import java.util.Arrays;

/**
 * Absorbed MLA attention over pages. An item is one query row and a few of its heads, which share the reads of the cache. Thread:
 * the rank's.
 *
 * <p>Reference, per row and head: for each segment of 512 absolute positions, ascending:
 *
 * <pre>
 * s_i = (q · key_i) · softmaxScale;  m = max s;  p_i = exp(s_i − m);  l = Σ p_i;  o = Σ p_i · key_i[0 … R)   (i ascending, fma)
 * M' = max(M, m);  a = exp(M − M');  b = exp(m − M');  L = L·a + l·b;  O = O·a + o·b                     (from the 2nd segment on)
 * </pre>
 *
 * and out = O · (1 / L). Positions after the row's own aren't read. Floor: 4 · (R + P) bytes a position and head group, 2 · (2R +
 * P) FLOP a position and head.
 */
final class CpuMlaAttention implements WorkerPool.Work {
    private static final int SEGMENT = Ops.ATTENTION_SPLIT_TOKENS;
    /** Heads of an item; their scores lie side by side. */
    private static final int GROUP_HEADS = 8;
    /** Keys that stay in the first-level cache while the heads of a group use them. */
    private static final int BLOCK_KEYS = 16;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final Scratch[] scratch;

    private CpuTensor out = CpuTensor.EMPTY;
    private CpuTensor q = CpuTensor.EMPTY;
    private CpuTensor pages = CpuTensor.EMPTY;
    private CpuTensor blockTables = CpuTensor.EMPTY;
    private int pageTokens;
    private int latentDim;
    private int width;
    private int numHeads;
    private int groupHeads;
    private float softmaxScale;
    private int[] sequenceOfRow = {};
    private int[] visibleOfRow = {};

    CpuMlaAttention(Lanes lanes, WorkerPool pool) {
        this.lanes = lanes;
        this.pool = pool;
        scratch = new Scratch[pool.numThreads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void attend(Tensor outTensor, Tensor qTensor, KvLayer kv, AttentionBatch batch, float newSoftmaxScale) {
        out = Shapes.cpu(outTensor);
        q = Shapes.cpu(qTensor);
        pages = Shapes.cpu(kv.pages());
        blockTables = Shapes.cpu(batch.blockTables());
        pageTokens = kv.pageTokens();
        latentDim = kv.latentDim();
        width = latentDim + kv.ropeDim();
        softmaxScale = newSoftmaxScale;
        Shapes.equal("mlaAttention: columns of the pages", pages.cols(), width);
        Shapes.multiple("mlaAttention: columns of q", q.cols(), width);
        numHeads = q.numCols() / width;
        Shapes.equal("mlaAttention: columns of out", out.cols(), (long) numHeads * latentDim);
        Shapes.equal("mlaAttention: rows of q", q.rows(), out.rows());
        placeRows(batch);
        int rows = out.numRows();
        groupHeads = Math.max(1, Math.min(GROUP_HEADS, rows * numHeads / pool.numThreads()));
        int groups = Shapes.ceilDiv(numHeads, groupHeads);
        for (Scratch s : scratch) {
            s.reserve(latentDim);
        }
        pool.run(this, rows * groups, 1);
    }

    /** Finds each row's sequence and how many positions it sees. */
    private void placeRows(AttentionBatch batch) {
        CpuTensor queryStarts = Shapes.cpu(batch.queryStarts());
        CpuTensor contextTokens = Shapes.cpu(batch.contextTokens());
        int sequences = batch.numSequences();
        Shapes.atLeast("mlaAttention: length of queryStarts", queryStarts.rows(), sequences + 1L);
        Shapes.atLeast("mlaAttention: length of contextTokens", contextTokens.rows(), sequences);
        Shapes.atLeast("mlaAttention: rows of blockTables", blockTables.rows(), sequences);
        int rows = out.numRows();
        if (visibleOfRow.length < rows) {
            visibleOfRow = new int[rows + rows / 2];
            sequenceOfRow = new int[visibleOfRow.length];
        }
        Arrays.fill(visibleOfRow, 0, rows, 0);
        for (int s = 0; s < sequences; s++) {
            int begin = queryStarts.i32()[queryStarts.at(s)];
            int end = queryStarts.i32()[queryStarts.at(s + 1)];
            int context = contextTokens.i32()[contextTokens.at(s)];
            Shapes.atLeast("mlaAttention: rows of q up to sequence", s, rows, end);
            Shapes.atLeast("mlaAttention: context of sequence", s, context, end - begin);
            Shapes.atLeast(
                    "mlaAttention: pages of sequence", s, blockTables.cols(), Shapes.ceilDiv(context, pageTokens));
            for (int t = begin; t < end; t++) {
                sequenceOfRow[t] = s;
                visibleOfRow[t] = context - (end - 1 - t);
            }
        }
    }

    @Override
    public void run(int from, int to, int worker) {
        int groups = Shapes.ceilDiv(numHeads, groupHeads);
        for (int item = from; item < to; item++) {
            int firstHead = item % groups * groupHeads;
            attendRow(item / groups, firstHead, Math.min(numHeads, firstHead + groupHeads), scratch[worker]);
        }
    }

    private void attendRow(int row, int firstHead, int endHead, Scratch s) {
        int visible = visibleOfRow[row];
        s.keys.pages = pages.f32();
        s.keys.heads = endHead - firstHead;
        float[] o = out.f32();
        for (int start = 0; start < visible; start += SEGMENT) {
            int count = Math.min(SEGMENT, visible - start);
            findKeys(s.keys, sequenceOfRow[row], start, count);
            scores(row, firstHead, endHead, count, s.keys);
            for (int h = firstHead; h < endHead; h++) {
                s.softmax(lanes, h - firstHead, count);
            }
            float[] target = start == 0 ? o : s.values;
            sumValues(row, firstHead, endHead, count, s, start == 0);
            for (int h = firstHead; h < endHead; h++) {
                int i = h - firstHead;
                if (target == o) {
                    s.maxima[i] = s.segmentMaxima[i];
                    s.sums[i] = s.segmentSums[i];
                } else {
                    s.merge(i, o, out.at(row) + h * latentDim, latentDim);
                }
            }
        }
        for (int h = firstHead; h < endHead; h++) {
            finish(out.at(row) + h * latentDim, visible == 0 ? 0 : 1f / s.sums[h - firstHead]);
        }
    }

    private void findKeys(Keys keys, int sequence, int start, int count) {
        int[] table = blockTables.i32();
        int tableStart = blockTables.at(sequence);
        int numPages = pages.numRows() / pageTokens;
        for (int i = 0; i < count; i++) {
            int position = start + i;
            int page = table[tableStart + position / pageTokens];
            if (page < 0 || page >= numPages) {
                Shapes.inRange(
                        "mlaAttention: page of position " + position + " of sequence " + sequence, page, numPages);
            }
            keys.starts[i] = pages.at(page * pageTokens + position % pageTokens);
        }
    }

    private void scores(int row, int firstHead, int endHead, int count, Keys keys) {
        for (keys.from = 0; keys.from < count; keys.from = keys.to) {
            keys.to = Math.min(count, keys.from + BLOCK_KEYS);
            lanes.dots(keys, q.f32(), q.at(row) + firstHead * width, width, width);
        }
        for (int h = 0; h < endHead - firstHead; h++) {
            for (int i = h * SEGMENT; i < h * SEGMENT + count; i++) {
                keys.weights[i] *= softmaxScale;
            }
        }
    }

    private void sumValues(int row, int firstHead, int endHead, int count, Scratch s, boolean isFirst) {
        Keys keys = s.keys;
        float[] target = isFirst ? out.f32() : s.values;
        int at = isFirst ? out.at(row) + firstHead * latentDim : 0;
        keys.from = 0;
        keys.to = count;
        lanes.weightedSums(keys, target, at, latentDim, latentDim);
    }

    private void finish(int at, float inverse) {
        float[] o = out.f32();
        for (int i = at; i < at + latentDim; i++) {
            o[i] = inverse == 0 ? 0 : o[i] * inverse;
        }
    }

    /** One worker's state of the heads of an item. */
    private static final class Scratch {
        final Keys keys = new Keys(SEGMENT, GROUP_HEADS);
        final float[] maxima = new float[GROUP_HEADS];
        final float[] sums = new float[GROUP_HEADS];
        final float[] segmentMaxima = new float[GROUP_HEADS];
        final float[] segmentSums = new float[GROUP_HEADS];
        float[] values = {};

        void reserve(int latentDim) {
            if (values.length < GROUP_HEADS * latentDim) {
                values = new float[GROUP_HEADS * latentDim];
            }
        }

        /** Turns head i's scores into unnormalised probabilities. */
        void softmax(Lanes lanes, int i, int count) {
            int at = i * SEGMENT;
            segmentMaxima[i] = lanes.max(keys.weights, at, count);
            lanes.expMinus(keys.weights, at, keys.weights, at, count, segmentMaxima[i]);
            segmentSums[i] = lanes.sum(keys.weights, at, count, keys.lanes);
        }

        /** Adds head i's segment to what the earlier ones gave. */
        void merge(int i, float[] o, int at, int latentDim) {
            float max = Math.max(maxima[i], segmentMaxima[i]);
            float a = ScalarLanes.exp(maxima[i] - max);
            float b = ScalarLanes.exp(segmentMaxima[i] - max);
            maxima[i] = max;
            sums[i] = sums[i] * a + segmentSums[i] * b;
            for (int j = 0; j < latentDim; j++) {
                o[at + j] = o[at + j] * a + values[i * latentDim + j] * b;
            }
        }
    }
}
