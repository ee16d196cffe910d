package io.millrace.engine.sample;

import io.millrace.engine.SamplingParams;
import io.millrace.engine.TokenLogprobs;
import io.millrace.engine.structure.GrammarMask;
import io.millrace.kernels.DType;
import io.millrace.kernels.Device;
import io.millrace.kernels.Ops;
import io.millrace.kernels.Rank;
import io.millrace.kernels.SamplingBatch;
import io.millrace.kernels.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Draws one token for each row of a step. The noise of a draw is Philox(seed, position in the output, sample index), so a draw
 * depends on nothing but its own row's logits. Thread: the engine loop only.
 */
public final class Sampler {
    private final Device device;
    private final Ops ops;
    private final int numTokens;
    private final SamplingBatch batch;
    private final Tensor ids;
    private final Tensor topIds;
    private final Tensor topLogprobs;
    private final int[] drawn;
    private final int[] hostTopIds;
    private final float[] hostTopLogprobs;
    private final int[] wantedLogprobs;
    /** [maxRows] i32: what a row takes instead of its draw, −1 = nothing. */
    private final int[] given;

    private boolean hasGiven;

    /**
     * Allocates for at most {@code maxRows} rows.
     *
     * @param rank device to draw on
     * @param maxRows rows of a step at most
     * @param numTokens ids ≥ this are padding rows of the head and never drawn
     */
    public Sampler(Rank rank, int maxRows, int numTokens) {
        device = rank.device();
        ops = rank.ops();
        this.numTokens = numTokens;
        batch = new SamplingBatch(maxRows);
        int columns = SamplingParams.MAX_TOP_LOGPROBS + 1;
        ids = device.allocate(DType.I32, maxRows);
        topIds = device.allocate(DType.I32, maxRows, columns);
        topLogprobs = device.allocate(DType.F32, maxRows, columns);
        drawn = new int[maxRows];
        hostTopIds = new int[maxRows * columns];
        hostTopLogprobs = new float[maxRows * columns];
        wantedLogprobs = new int[maxRows];
        given = new int[maxRows];
    }

    /** Empties the batch. */
    public void startStep() {
        batch.numRows = 0;
        hasGiven = false;
        batch.numTokens = numTokens;
    }

    /**
     * Adds a row.
     *
     * @param params the sequence's sampling
     * @param position index of the token to draw in the sequence's output
     * @param sampleIndex which of the request's samples
     * @param penalties the sequence's, or null
     * @param endIds ids that would end the sequence, for {@code min_tokens}
     * @param allowed what its structure allows, null = everything
     */
    public void add(
            SamplingParams params,
            int position,
            int sampleIndex,
            @Nullable Penalties penalties,
            int[] endIds,
            GrammarMask.@Nullable Allowed allowed) {
        int row = batch.numRows++;
        batch.temperature[row] = params.isGreedy() ? 0 : (float) params.temperature();
        batch.topK[row] = params.topK();
        batch.topP[row] = (float) params.topP();
        batch.minP[row] = (float) params.minP();
        batch.seed[row] = params.seed();
        batch.position[row] = position;
        batch.sampleIndex[row] = sampleIndex;
        batch.penalties[row] =
                penalties == null ? null : penalties.forNextDraw(endIds, allowed != null && allowed.isEnd());
        batch.allowed[row] = allowed == null ? null : allowed.bits();
        wantedLogprobs[row] = params.topLogprobs();
        given[row] = -1;
    }

    /**
     * Adds a row that takes a given token, whose log-probability is wanted.
     *
     * @param token its id
     * @param topLogprobs 0 … {@link SamplingParams#MAX_TOP_LOGPROBS} most likely tokens beside it
     */
    public void addGiven(int token, int topLogprobs) {
        given[batch.numRows] = token;
        hasGiven = true;
        addGreedy(topLogprobs);
    }

    private void addGreedy(int topLogprobs) {
        int row = batch.numRows++;
        batch.temperature[row] = 0; // an argmax is the cheapest draw, and finds logits that aren't finite
        batch.topK[row] = 0;
        batch.topP[row] = 1;
        batch.minP[row] = 0;
        batch.seed[row] = 0;
        batch.position[row] = 0;
        batch.sampleIndex[row] = 0;
        batch.penalties[row] = null;
        batch.allowed[row] = null;
        wantedLogprobs[row] = topLogprobs;
    }

    /** Adds a row whose draw is only a proposal: no log-probabilities. Its sequence has no penalties. */
    public void addDraft(SamplingParams params, int position, int sampleIndex, GrammarMask.@Nullable Allowed allowed) {
        add(params, position, sampleIndex, null, new int[0], allowed);
        wantedLogprobs[batch.numRows - 1] = -1;
    }

    /**
     * Draws for every row added.
     *
     * @param logits [S, V] f32 in the order of {@link #add}
     */
    public void draw(Tensor logits) {
        ops.sample(ids.firstRows(batch.numRows), logits, batch);
        finish(logits);
    }

    /** Returns whether the rows added can be drawn in a captured step: no penalties, no structure, nothing given. */
    public boolean canStage() {
        for (int row = 0; row < batch.numRows; row++) {
            if (batch.penalties[row] != null || batch.allowed[row] != null) {
                return false;
            }
        }
        return !hasGiven;
    }

    /**
     * Gets ready for a draw of the rows added and of rows behind them whose draws nobody wants, up to {@code numRows}; before a captured
     * step with {@link #drawStaged}, after which comes {@link #finish}.
     */
    public void stage(int numRows) {
        int added = batch.numRows;
        while (batch.numRows < numRows) {
            addGreedy(-1);
        }
        ops.stageDraws(batch);
        batch.numRows = added;
    }

    /** Draws; may be captured. logits [S, V] f32 of all rows staged. */
    public void drawStaged(Tensor logits) {
        ops.drawStaged(ids.firstRows(logits.rows()), logits);
    }

    /** Fetches what was drawn, and log-probabilities. logits [S, V] f32, of the rows added first. */
    public void finish(Tensor logits) {
        int rows = batch.numRows;
        if (hasGiven) {
            takeGiven(rows);
        }
        int wanted = Arrays.stream(wantedLogprobs, 0, rows).max().orElse(-1);
        if (wanted >= 0) {
            int columns = SamplingParams.MAX_TOP_LOGPROBS + 1;
            ops.topLogprobs(
                    topIds.firstRows(rows), topLogprobs.firstRows(rows), logits, ids.firstRows(rows), numTokens);
            device.read(hostTopIds, topIds, rows * columns);
            device.read(hostTopLogprobs, topLogprobs, rows * columns);
        }
        device.read(drawn, ids, rows);
    }

    private void takeGiven(int rows) {
        device.read(drawn, ids, rows);
        for (int row = 0; row < rows; row++) {
            drawn[row] = given[row] >= 0 && drawn[row] >= 0 ? given[row] : drawn[row];
        }
        device.write(ids, drawn, rows);
    }

    /** Returns a row's token, −1 if its logits hold a NaN or +∞. */
    public int token(int row) {
        return drawn[row];
    }

    /** Returns a row's log-probabilities, null if it wants none. */
    public @Nullable TokenLogprobs logprobs(int row) {
        if (wantedLogprobs[row] < 0 || drawn[row] < 0) {
            return null;
        }
        int from = row * (SamplingParams.MAX_TOP_LOGPROBS + 1);
        int to = from + 1 + Math.min(wantedLogprobs[row], numTokens);
        return new TokenLogprobs(
                Arrays.copyOfRange(hostTopIds, from, to), Arrays.copyOfRange(hostTopLogprobs, from, to));
    }
}
