package io.millrace.kernels;

import java.util.Arrays;
import java.util.SplittableRandom;

/** {@link Ops#mlaAttention}: sequences with scattered pages and several rows each; slots beyond a context hold NaN. */
public final class AttentionCase implements OpCase {
    private static final float SCALE = 0.3f;

    private final Numerics numerics;
    private final int heads;
    private final int latentDim;
    private final int ropeDim;
    private final int pageTokens;
    private final int[] contexts;
    private final int[] queryRows;
    private final int maxPages;
    private final int[] tables;
    private final float[] pages;
    private final float[] q;
    private final float[] multipliedQ;

    /** Makes a case: sequence s has {@code contexts[s]} tokens, the last {@code queryRows[s]} of which are this step's. */
    public AttentionCase(
            Numerics numerics, int heads, int latentDim, int ropeDim, int pageTokens, int[] contexts, int[] queryRows) {
        SplittableRandom random = new SplittableRandom(heads * 1000L + latentDim);
        this.numerics = numerics;
        this.heads = heads;
        this.latentDim = latentDim;
        this.ropeDim = ropeDim;
        this.pageTokens = pageTokens;
        this.contexts = contexts;
        this.queryRows = queryRows;
        int longest = Arrays.stream(contexts).max().orElse(1);
        maxPages = (longest + pageTokens - 1) / pageTokens + 1;
        int numPages = contexts.length * maxPages;
        tables = new int[numPages];
        pages = new float[numPages * pageTokens * width()];
        Arrays.fill(pages, Float.NaN);
        for (int i = 0; i < numPages; i++) {
            tables[i] = (i * 7 + 3) % numPages;
            if (numPages % 7 == 0) {
                tables[i] = numPages - 1 - i;
            }
        }
        for (int s = 0; s < contexts.length; s++) {
            for (int position = 0; position < contexts[s]; position++) {
                float[] key = numerics.operand(Inputs.floats(random, width()));
                System.arraycopy(key, 0, pages, slot(s, position) * width(), width());
            }
        }
        q = Inputs.floats(random, rows() * heads * width());
        multipliedQ = numerics.operand(q);
    }

    private int width() {
        return latentDim + ropeDim;
    }

    private int slot(int sequence, int position) {
        return tables[sequence * maxPages + position / pageTokens] * pageTokens + position % pageTokens;
    }

    @Override
    public int rows() {
        return Arrays.stream(queryRows).sum();
    }

    @Override
    public int cols() {
        return heads * latentDim;
    }

    /** Row → {sequence, visible positions}. */
    private int[] place(int row) {
        int s = 0;
        int rest = row;
        while (rest >= queryRows[s]) {
            rest -= queryRows[s++];
        }
        return new int[] {s, contexts[s] - queryRows[s] + rest + 1};
    }

    @Override
    public float[] run(Rank rank, int from, int to) {
        Device device = rank.device();
        int count = to - from;
        boolean isWhole = count == rows();
        int sequences = isWhole ? contexts.length : count; // a part of the step: each row as a sequence of its own
        int[] starts = new int[sequences + 1];
        int[] lengths = new int[sequences];
        int[] table = new int[sequences * maxPages];
        for (int s = 0; s < sequences; s++) {
            int source = isWhole ? s : place(from + s)[0];
            starts[s + 1] = starts[s] + (isWhole ? queryRows[s] : 1);
            lengths[s] = isWhole ? contexts[s] : place(from + s)[1];
            System.arraycopy(tables, source * maxPages, table, s * maxPages, maxPages);
        }
        AttentionBatch batch = new AttentionBatch(
                Inputs.tensor(device, starts, sequences + 1),
                Inputs.tensor(device, lengths, sequences),
                Inputs.tensor(device, table, sequences, maxPages),
                sequences);
        Tensor cache = device.upload(
                "pages", numerics.cacheType(), numerics.cacheBytes(pages), pages.length / width(), width());
        Tensor query = Inputs.tensor(device, Inputs.rows(q, from, to, heads * width()), count, heads, width());
        Tensor out = device.allocate(DType.F32, count, heads, latentDim);
        rank.ops().mlaAttention(out, query, new KvLayer(cache, pageTokens, latentDim, ropeDim), batch, SCALE);
        return Inputs.floats(device, out);
    }

    @Override
    public double[] expected() {
        return sums(false);
    }

    private double[] sums(boolean isAbsolute) {
        double[] y = new double[rows() * cols()];
        for (int row = 0; row < rows(); row++) {
            int[] place = place(row);
            for (int h = 0; h < heads; h++) {
                double[] p = probabilities(row, h, place[0], place[1]);
                for (int i = 0; i < place[1]; i++) {
                    int key = slot(place[0], i) * width();
                    for (int j = 0; j < latentDim; j++) {
                        double value = isAbsolute ? Math.abs(pages[key + j]) : pages[key + j];
                        y[row * cols() + h * latentDim + j] += p[i] * value;
                    }
                }
            }
        }
        return y;
    }

    private double[] probabilities(int row, int head, int sequence, int visible) {
        double[] p = new double[visible];
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < visible; i++) {
            for (int j = 0; j < width(); j++) {
                p[i] += (double) multipliedQ[(row * heads + head) * width() + j]
                        * pages[slot(sequence, i) * width() + j];
            }
            p[i] *= SCALE;
            max = Math.max(max, p[i]);
        }
        double sum = 0;
        for (int i = 0; i < visible; i++) {
            p[i] = Math.exp(p[i] - max);
            sum += p[i];
        }
        for (int i = 0; i < visible; i++) {
            p[i] /= sum;
        }
        return p;
    }

    @Override
    public double[] magnitude() {
        return sums(true);
    }

    @Override
    public double bound() {
        return numerics.attentionBound();
    }

    @Override
    public String toString() {
        return "attention of " + rows() + " rows, " + heads + " heads, " + latentDim + " + " + ropeDim + ", contexts "
                + Arrays.toString(contexts);
    }
}
