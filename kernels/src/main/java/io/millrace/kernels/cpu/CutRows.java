package io.millrace.kernels.cpu;

import io.millrace.kernels.cpu.simd.ScalarLanes;

/**
 * Rows of attention whose segments were done apart, by whatever threads: keeps each segment's softmax and values until all are there, then
 * merges them per head, ascending. Thread: a segment's place is written by the one worker that does it; {@link #merge} by the rank's.
 */
final class CutRows implements WorkerPool.Work {
    /** Values that are worth waking a thread. */
    private static final int MIN_THREAD_VALUES = 1 << 14;

    /** [rows, heads, segments] f32: largest score of a segment. */
    float[] maxima = {};
    /** [rows, heads, segments] f32: Σ p of a segment. */
    float[] sums = {};
    /** [rows, heads, segments, latentDim] f32: Σ p · key of a segment. */
    float[] values = {};

    private CpuTensor out = CpuTensor.EMPTY;
    private int[] visibleOfRow = {};
    private int numHeads;
    private int numSegments;
    private int latentDim;

    /** Makes room for rows of at most {@code newNumSegments} segments. */
    void begin(CpuTensor newOut, int[] newVisibleOfRow, int newNumHeads, int newNumSegments) {
        out = newOut;
        visibleOfRow = newVisibleOfRow;
        numHeads = newNumHeads;
        numSegments = newNumSegments;
        latentDim = out.numCols() / numHeads;
        int places = out.numRows() * numHeads * numSegments;
        if (maxima.length < places) {
            maxima = new float[places];
            sums = new float[places];
        }
        if (values.length < places * latentDim) {
            values = new float[places * latentDim];
        }
    }

    /** Returns the index of a segment in {@link #maxima} and {@link #sums}; times latentDim in {@link #values}. */
    int place(int row, int head, int segment) {
        return (row * numHeads + head) * numSegments + segment;
    }

    /** Merges all heads of all rows into the output. */
    void merge(WorkerPool pool) {
        pool.run(this, out.numRows() * numHeads, Math.max(1, MIN_THREAD_VALUES / (numSegments * latentDim)));
    }

    @Override
    public void run(int from, int to, int worker) {
        for (int item = from; item < to; item++) {
            mergeHead(item / numHeads, item % numHeads);
        }
    }

    private void mergeHead(int row, int head) {
        float[] o = out.f32();
        int at = out.at(row) + head * latentDim;
        int segments = Shapes.ceilDiv(visibleOfRow[row], CpuMlaAttention.SEGMENT);
        int first = place(row, head, 0);
        float max = Float.NEGATIVE_INFINITY;
        float sum = 0;
        for (int i = first; i < first + segments; i++) {
            if (i == first) {
                max = maxima[i];
                sum = sums[i];
                System.arraycopy(values, i * latentDim, o, at, latentDim);
            } else {
                float newMax = Math.max(max, maxima[i]);
                float a = ScalarLanes.exp(max - newMax);
                float b = ScalarLanes.exp(maxima[i] - newMax);
                max = newMax;
                sum = sum * a + sums[i] * b;
                add(o, at, a, values, i * latentDim, b, latentDim);
            }
        }
        CpuMlaAttention.finish(o, at, latentDim, segments == 0 ? 0 : 1f / sum);
    }

    /** {@code o = o · a + v · b} for {@code count} numbers. */
    static void add(float[] o, int at, float a, float[] v, int from, float b, int count) {
        for (int j = 0; j < count; j++) {
            o[at + j] = o[at + j] * a + v[from + j] * b;
        }
    }
}
