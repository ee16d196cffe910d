package io.millrace.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.kernels.AttentionBatch;
import io.millrace.kernels.Backend;
import io.millrace.kernels.Backends;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.GroupRows;
import io.millrace.kernels.KvLayer;
import io.millrace.kernels.ParallelPlan;
import io.millrace.kernels.Rank;
import io.millrace.kernels.StepTensors;
import io.millrace.kernels.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Runs a model without an engine: every sequence has its own pages from the start, every row's logits come back. */
final class BareRunner implements AutoCloseable {
    /** The next tokens of a sequence, at positions {@code start} and on. */
    record Chunk(int sequence, int start, int[] ids) {}

    private final Runnable onClose;
    private final Device device;
    final DeepSeekModel model;
    private final List<KvLayer> kv;
    private final int pageTokens;
    private final int maxPages;
    private final int[][] pages;
    private final Tensor ids;
    private final Tensor positions;
    private final Tensor slots;
    private final Tensor rows;
    private final Tensor queryStarts;
    private final Tensor contextTokens;
    private final Tensor blockTables;

    /**
     * Loads a model.
     *
     * @param pages [sequences, pages of each] page numbers
     */
    BareRunner(Path folder, int maxTokens, int pageTokens, int[][] pages) {
        this("cpu", folder, maxTokens, pageTokens, pages);
    }

    /** Loads a model on a back end. */
    BareRunner(String backendName, Path folder, int maxTokens, int pageTokens, int[][] pages) {
        this(Backends.named(backendName, 2), folder, maxTokens, pageTokens, pages);
    }

    private BareRunner(Backend backend, Path folder, int maxTokens, int pageTokens, int[][] pages) {
        this(
                backend.open(ParallelPlan.SINGLE).get(0),
                ParallelPlan.SINGLE,
                folder,
                maxTokens,
                pageTokens,
                pages,
                backend::close);
    }

    /** Loads what one rank of a plan holds; the rank's owner closes it. */
    BareRunner(Rank rank, ParallelPlan plan, Path folder, int maxTokens, int pageTokens, int[][] pages) {
        this(rank, plan, folder, maxTokens, pageTokens, pages, () -> {});
    }

    private BareRunner(
            Rank rank, ParallelPlan plan, Path folder, int maxTokens, int pageTokens, int[][] pages, Runnable onClose) {
        this.onClose = onClose;
        device = rank.device();
        ModelFolder opened = ModelFolder.open(folder);
        boolean isDrafting = opened.config().numNextnPredictLayers() > 0;
        DeepSeekModel.Rows maxRows = new DeepSeekModel.Rows(maxTokens, maxTokens);
        model = DeepSeekModel.load(opened, plan, rank, isDrafting, maxRows, ProgressListener.NONE);
        this.pageTokens = pageTokens;
        this.pages = pages;
        maxPages = pages[0].length;
        kv = model.allocateKv(pages.length * maxPages, pageTokens);
        ids = device.allocate(DType.I32, maxTokens);
        positions = device.allocate(DType.I32, maxTokens);
        slots = device.allocate(DType.I32, maxTokens);
        rows = device.allocate(DType.I32, maxTokens);
        queryStarts = device.allocate(DType.I32, pages.length + 1L);
        contextTokens = device.allocate(DType.I32, pages.length);
        blockTables = device.allocate(DType.I32, pages.length, maxPages);
    }

    /** Waits until the back end runs at the speed, and in the vector width, that it is going to have. */
    void awaitReady() {
        device.awaitReady();
    }

    /** Page numbers for sequences side by side. */
    static int[][] identityPages(int sequences, int pagesOfEach) {
        int[][] pages = new int[sequences][pagesOfEach];
        for (int i = 0; i < sequences * pagesOfEach; i++) {
            pages[i / pagesOfEach][i % pagesOfEach] = i;
        }
        return pages;
    }

    /** Runs a step and returns logits [rows, V], the chunks' rows one after the other. */
    float[][] step(List<Chunk> chunks) {
        int t = write(chunks);
        return rows(forward(t, t, chunks.size()), t);
    }

    /**
     * Runs a step in a larger bucket: the rows behind the chunks belong to no sequence and write to a page that none has.
     *
     * @param paddingRows rows to add
     * @param sparePage the page
     */
    float[][] paddedStep(List<Chunk> chunks, int paddingRows, int sparePage) {
        int t = chunks.stream().mapToInt(c -> c.ids().length).sum();
        return step(chunks, GroupRows.of(t + paddingRows), t + paddingRows, sparePage);
    }

    /**
     * Runs one rank's part of a step of several groups.
     *
     * @param groups rows of all, padding included
     * @param bucketRows this group's
     * @param sparePage where padding rows write to
     */
    float[][] step(List<Chunk> chunks, GroupRows groups, int bucketRows, int sparePage) {
        int t = write(chunks);
        if (bucketRows > t) {
            int[] slot = new int[bucketRows];
            Arrays.fill(slot, sparePage * pageTokens);
            device.read(slot, slots, t);
            device.write(slots, slot, bucketRows);
            int[] row = new int[bucketRows];
            device.read(row, rows, t);
            device.write(rows, row, bucketRows);
        }
        return rows(model.forward(modelStep(bucketRows, bucketRows, chunks.size(), groups), kv), t);
    }

    private float[][] rows(Tensor logits, int t) {
        int vocab = model.config().vocabSize();
        float[] flat = new float[t * vocab];
        device.read(flat, logits, flat.length);
        float[][] out = new float[t][];
        for (int i = 0; i < t; i++) {
            out[i] = Arrays.copyOfRange(flat, i * vocab, (i + 1) * vocab);
        }
        return out;
    }

    /** Runs a step, then the MTP layer with the tokens that follow; returns the layer's logits [T, V]. */
    float[][] draft(Chunk chunk, int[] following) {
        return draft(chunk, following, GroupRows.of(following.length));
    }

    /** As {@link #draft(Chunk, int[])} on one rank of a plan. */
    float[][] draft(Chunk chunk, int[] following, GroupRows groups) {
        int t = write(List.of(chunk));
        model.forward(modelStep(t, 0, 1, groups), kv);
        device.write(ids, following, t);
        return rows(model.draft(modelStep(t, t, 1, groups), kv), t);
    }

    /** Runs a step that wants no logits and returns how many rows it got. */
    long stepWithoutLogits(Chunk chunk) {
        return forward(write(List.of(chunk)), 0, 1).rows();
    }

    /** Fills the step's tensors and returns the number of tokens. */
    private int write(List<Chunk> chunks) {
        int t = chunks.stream().mapToInt(c -> c.ids().length).sum();
        int[] id = new int[t];
        int[] position = new int[t];
        int[] slot = new int[t];
        int[] row = new int[t];
        int[] starts = new int[chunks.size() + 1];
        int[] contexts = new int[chunks.size()];
        int[] tables = new int[chunks.size() * maxPages];
        int at = 0;
        for (int s = 0; s < chunks.size(); s++) {
            Chunk c = chunks.get(s);
            int[] own = pages[c.sequence()];
            System.arraycopy(own, 0, tables, s * maxPages, maxPages);
            for (int i = 0; i < c.ids().length; i++, at++) {
                id[at] = c.ids()[i];
                position[at] = c.start() + i;
                slot[at] = own[position[at] / pageTokens] * pageTokens + position[at] % pageTokens;
                row[at] = at;
            }
            starts[s + 1] = at;
            contexts[s] = c.start() + c.ids().length;
        }
        device.write(ids, id, t);
        device.write(positions, position, t);
        device.write(slots, slot, t);
        device.write(rows, row, t);
        device.write(queryStarts, starts, starts.length);
        device.write(contextTokens, contexts, contexts.length);
        device.write(blockTables, tables, tables.length);
        return t;
    }

    private Tensor forward(int t, int logitRows, int sequences) {
        return model.forward(modelStep(t, logitRows, sequences, GroupRows.of(t)), kv);
    }

    private ModelStep modelStep(int t, int logitRows, int sequences, GroupRows groups) {
        AttentionBatch attention = new AttentionBatch(
                queryStarts.firstRows(sequences + 1L),
                contextTokens.firstRows(sequences),
                blockTables.firstRows(sequences),
                sequences);
        StepTensors tokens = new StepTensors(ids.firstRows(t), positions.firstRows(t), slots.firstRows(t));
        return new ModelStep(t, tokens, attention, logitRows, rows.firstRows(logitRows), groups);
    }

    /** Feeds a sequence in chunks of at most {@code chunkTokens} and returns the logits of all rows. */
    float[][] prefill(int sequence, int[] prompt, int chunkTokens) {
        float[][] all = new float[prompt.length][];
        for (int start = 0; start < prompt.length; start += chunkTokens) {
            int end = Math.min(prompt.length, start + chunkTokens);
            float[][] part = step(List.of(new Chunk(sequence, start, Arrays.copyOfRange(prompt, start, end))));
            System.arraycopy(part, 0, all, start, part.length);
        }
        return all;
    }

    static int[] randomIds(int count, int vocab, long seed) {
        return new SplittableRandom(seed).ints(count, 0, vocab).toArray();
    }

    static void assertSameBits(float[][] actual, float[][] expected) {
        assertThat(actual).hasDimensions(expected.length, expected[0].length);
        for (int row = 0; row < expected.length; row++) {
            int at = Arrays.mismatch(actual[row], expected[row]);
            assertThat(at).as("first logit of row %d whose bits differ", row).isEqualTo(-1);
        }
    }

    /** Returns the index of the largest, the lowest of equals. */
    static int argmax(float[] logits) {
        int best = 0;
        for (int v = 1; v < logits.length; v++) {
            best = logits[v] > logits[best] ? v : best;
        }
        return best;
    }

    @Override
    public void close() {
        onClose.run();
    }
}
