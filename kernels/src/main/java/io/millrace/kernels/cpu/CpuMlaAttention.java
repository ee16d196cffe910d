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
 * Absorbed MLA attention over pages. An item is one query row and a few of its heads, which share the reads of the cache. Where that
 * makes too few items, an item is one segment of such a row: all threads then read a long sequence's keys, each key by one. Thread: the
 * rank's.
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
    static final int SEGMENT = Ops.ATTENTION_SPLIT_TOKENS;
    /** Heads of an item; their scores lie side by side. */
    private static final int GROUP_HEADS = 8;
    /** Heads of a segment that go to one thread, where a row is cut: the middle segment of three is halved. */
    private static final int CUT_HEADS = 4;
    /** With fewer rows and groups of heads per thread, long rows are cut. */
    private static final int WHOLE_ITEMS_PER_THREAD = 2;

    private final Lanes lanes;
    private final WorkerPool pool;
    private final Scratch[] scratch;
    private final CutRows cutRows = new CutRows();
    private final WorkerPool.Work segments = this::runSegments;

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
        for (Scratch s : scratch) {
            s.reserve(latentDim);
        }
        int rows = out.numRows();
        int longest = 0;
        for (int row = 0; row < rows; row++) {
            longest = Math.max(longest, visibleOfRow[row]);
        }
        int wholeItems = rows * Shapes.ceilDiv(numHeads, GROUP_HEADS);
        if (longest >= 2 * SEGMENT
                && wholeItems < WHOLE_ITEMS_PER_THREAD * pool.numThreads()
                && pool.numThreads() > 1) {
            attendCut(Shapes.ceilDiv(longest, SEGMENT));
        } else {
            groupHeads = Math.max(1, Math.min(GROUP_HEADS, rows * numHeads / pool.numThreads()));
            pool.run(this, rows * Shapes.ceilDiv(numHeads, groupHeads), 1);
        }
    }

    private void attendCut(int maxSegments) {
        groupHeads = Math.min(CUT_HEADS, numHeads);
        cutRows.begin(out, visibleOfRow, numHeads, maxSegments);
        long cost = 0;
        for (int row = 0; row < out.numRows(); row++) {
            cost += visibleOfRow[row];
        }
        int groups = Shapes.ceilDiv(numHeads, groupHeads);
        int half =
                groups * SEGMENT / 2; // so that a thread's part has whole segments, all heads of which share the reads
        pool.run(segments, Math.toIntExact(cost * groups), half);
        cutRows.merge(pool);
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

    /**
     * Does the groups of heads whose cost, in keys and added up in the order of row, segment, group, has its middle in from … to − 1. Groups of one
     * segment are done together, so that a key is read for all of them.
     */
    private void runSegments(int from, int to, int worker) {
        int groups = Shapes.ceilDiv(numHeads, groupHeads);
        int cost = 0;
        for (int row = 0; row < out.numRows() && cost < to; row++) {
            for (int start = 0; start < visibleOfRow[row] && cost < to; start += SEGMENT) {
                int count = Math.min(SEGMENT, visibleOfRow[row] - start);
                int middle = cost + count / 2;
                int first = Math.min(groups, Shapes.ceilDiv(Math.max(0, from - middle), count));
                int end = Math.min(groups, Shapes.ceilDiv(Math.max(0, to - middle), count));
                if (first < end) {
                    int endHead = Math.min(numHeads, end * groupHeads);
                    attendSegment(row, start, count, first * groupHeads, endHead, scratch[worker]);
                }
                cost += groups * count;
            }
        }
    }

    private void attendSegment(int row, int start, int count, int firstHead, int endHead, Scratch s) {
        s.keys.pages = pages.f32();
        findKeys(s.keys, sequenceOfRow[row], start, count);
        for (int head = firstHead; head < endHead; head += GROUP_HEADS) {
            s.keys.heads = Math.min(GROUP_HEADS, endHead - head);
            scores(row, head, count, s);
            int step = cutRows.place(row, head + 1, 0) - cutRows.place(row, head, 0);
            int at = cutRows.place(row, head, start / SEGMENT);
            lanes.weightedSums(s.keys, cutRows.values, at * latentDim, step * latentDim, latentDim);
            for (int i = 0; i < s.keys.heads; i++) {
                cutRows.maxima[at + i * step] = s.segmentMaxima[i];
                cutRows.sums[at + i * step] = s.segmentSums[i];
            }
        }
    }

    private void attendRow(int row, int firstHead, int endHead, Scratch s) {
        int visible = visibleOfRow[row];
        s.keys.pages = pages.f32();
        s.keys.heads = endHead - firstHead;
        float[] o = out.f32();
        int at = out.at(row) + firstHead * latentDim;
        for (int start = 0; start < visible; start += SEGMENT) {
            int count = Math.min(SEGMENT, visible - start);
            findKeys(s.keys, sequenceOfRow[row], start, count);
            scores(row, firstHead, count, s);
            lanes.weightedSums(s.keys, start == 0 ? o : s.values, start == 0 ? at : 0, latentDim, latentDim);
            for (int i = 0; i < s.keys.heads; i++) {
                if (start == 0) {
                    s.maxima[i] = s.segmentMaxima[i];
                    s.sums[i] = s.segmentSums[i];
                } else {
                    s.merge(i, o, at + i * latentDim, latentDim);
                }
            }
        }
        for (int i = 0; i < s.keys.heads; i++) {
            finish(o, at + i * latentDim, latentDim, visible == 0 ? 0 : 1f / s.sums[i]);
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

    /** Scores of the heads at work, then their unnormalised probabilities. */
    private void scores(int row, int firstHead, int count, Scratch s) {
        Keys keys = s.keys;
        keys.from = 0;
        keys.to = count;
        lanes.dots(keys, q.f32(), q.at(row) + firstHead * width, width, width);
        for (int h = 0; h < keys.heads; h++) {
            for (int i = h * Keys.MAX_KEYS; i < h * Keys.MAX_KEYS + count; i++) {
                keys.weights[i] *= softmaxScale;
            }
            s.softmax(lanes, h, count);
        }
    }

    /** {@code o · inverse} for {@code count} numbers; 0 if it is 0, as with no keys. */
    static void finish(float[] o, int at, int count, float inverse) {
        for (int i = at; i < at + count; i++) {
            o[i] = inverse == 0 ? 0 : o[i] * inverse;
        }
    }

    /** One worker's state of the heads of an item. */
    private static final class Scratch {
        final Keys keys = new Keys(GROUP_HEADS);
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
            int at = i * Keys.MAX_KEYS;
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
            CutRows.add(o, at, a, values, i * latentDim, b, latentDim);
        }
    }
}
