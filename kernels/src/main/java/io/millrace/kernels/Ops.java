package io.millrace.kernels;

/**
 * The kernel contracts. T tokens in the step, D hidden, H heads, R latent, P rope, E experts, K experts per token, V vocabulary,
 * S rows that need logits. Shapes are in the tensors: a step passes views of its own size. An op may overwrite its output even
 * where it later fails; it never touches rows of others. Thread: the rank's.
 */
public interface Ops {
    /** {@code out[t] = table[ids[t]]}. out [T, D] f32, table [V, D] bf16 or f32, ids [T] i32. */
    default void embed(Tensor out, Tensor table, Tensor ids) {
        embed(out, table, ids, 0, table.rows());
    }

    /**
     * As {@link #embed(Tensor, Tensor, Tensor)} with a part of the table; rows whose id lies elsewhere become 0.
     *
     * @param table [·, D]: row 0 is that of {@code firstId}
     * @param vocabulary V, above all ids
     */
    void embed(Tensor out, Tensor table, Tensor ids, int firstId, long vocabulary);

    /** {@code out[t] = x[t] · weight / sqrt(mean(x[t]²) + eps)}. out, x [T, D] (may be the same), weight [D] f32. */
    void rmsNorm(Tensor out, Tensor x, Tensor weight, float eps);

    /** {@code residual += x; out = rmsNorm(residual)}. out, residual, x [T, D]; weight [D] f32. */
    void addRmsNorm(Tensor out, Tensor residual, Tensor x, Tensor weight, float eps);

    /** Quantises rows in groups of 128 columns or rounds them to bf16 (cuda, by out's format), or copies them (cpu). x [T, K]. */
    void quantize(Fp8Activations out, Tensor x);

    /** {@code out[t, n] = Σ_k x[t, k] · w[n, k]}, blocks of 128 k in ascending order. out [T, N]. */
    void gemm(Tensor out, Fp8Activations x, LinearWeight w);

    /** {@code out[t, n] = Σ_k x[t, k] · w[n, k]} for weights that are never quantised: router, {@code eh_proj}, head. out [T, N] f32, x [T, K]. */
    void denseGemm(Tensor out, Tensor x, DenseWeight w);

    /**
     * Per head {@code out[t, h, outStart + n] = Σ_k x[t, h, xStart + k] · w[h, n, k]}: q → latent, latent → v.
     *
     * @param out [T, H, ·]
     * @param outStart first column of each head in out
     * @param x [T, H, ·]
     * @param xStart first column of each head in x
     * @param w [H, N, K]
     */
    void headGemm(Tensor out, int outStart, Tensor x, int xStart, DenseWeight w);

    /**
     * Rotates the rope parts (interleaved pairs 2i, 2i + 1) and appends this step's tokens to the cache.
     *
     * @param kv slot step.slots[t] gets latent[t, 0 … R) as it is and latent[t, R … R + P) rotated
     * @param absorbedQ [T, H, R + P]: columns R … R + P get q's rope part, rotated; the others stay
     * @param q [T, H, nope + P]: the rope part is the last P columns of each head
     * @param latent [T, R + P], the first R already normed
     * @param step positions and slots
     * @param rope table
     */
    void ropeAppendKv(KvLayer kv, Tensor absorbedQ, Tensor q, Tensor latent, StepTensors step, RopeTable rope);

    /**
     * Absorbed MLA attention over the paged cache with causal mask: row t of a sequence sees the positions up to its own.
     * The context is split at multiples of {@value #ATTENTION_SPLIT_TOKENS} absolute positions; segments merge in ascending order.
     *
     * @param out [T, H, R]
     * @param q [T, H, R + P]
     */
    void mlaAttention(Tensor out, Tensor q, KvLayer kv, AttentionBatch batch, float softmaxScale);

    /**
     * Chooses experts: fills ids and weights of {@code out}. Lower id on ties.
     *
     * @param logits [T, E] f32
     * @param bias [E] f32, used only to choose; all zero if the model has none
     */
    void route(Routing out, Tensor logits, Tensor bias, RouterSpec spec);

    /**
     * Lists the pairs of {@code routing}'s ids whose experts are {@code firstExpert} and those behind it, as many as its offsets are
     * for: fills offsets, tokens and rows. Pairs of other experts get row −1.
     */
    void listPairs(Routing routing, int firstExpert);

    /**
     * One product per expert over the rows that chose it. out [T · K, N] in expert order.
     *
     * @param x [T, ·] with {@code gather} (rows are picked by routing.pairTokens), else [T · K, ·] already in expert order
     */
    void groupedGemm(Tensor out, Fp8Activations x, LinearWeight experts, Routing routing, boolean gather);

    /** {@code out = silu(gate) · up}, then as {@link #quantize}. gateUp [T, 2F]: gate first. out [T, F]. */
    void siluMulQuantize(Fp8Activations out, Tensor gateUp);

    /** {@code out[t] = Σ_e weight · expertOut} in ascending expert id, then {@code + shared[t]}. out, shared [T, D]; expertOut [T · K, D]. */
    void combine(Tensor out, Tensor expertOut, Routing routing, Tensor shared);

    /** {@code out[i] = x[rows[i]]}. out [S, D], rows [S] i32. */
    void gatherRows(Tensor out, Tensor x, Tensor rows);

    /** Draws one id per row; −1 if the row's logits hold a NaN or +∞ or all are −∞. ids [S] i32, logits [S, V] f32 (unchanged). */
    default void sample(Tensor ids, Tensor logits, SamplingBatch batch) {
        stageDraws(batch);
        drawStaged(ids, logits);
    }

    /**
     * Tells the device how {@link #drawStaged} shall draw; outside of captured steps. The batch's arrays stay as they are until then.
     */
    void stageDraws(SamplingBatch batch);

    /**
     * The second half of {@link #sample}, for the rows staged last; may be captured, and follows what is staged before each replay: as many
     * rows, none with penalties or forbidden tokens, in a batch for no more rows.
     */
    void drawStaged(Tensor ids, Tensor logits);

    /**
     * Log-softmax of the raw logits: column 0 the sampled id, columns 1 … k the k most likely (lower id on ties).
     *
     * @param ids [S, k + 1] i32
     * @param logprobs [S, k + 1] f32
     * @param logits [S, V] f32
     * @param sampled [S] i32; rows with −1 are left alone
     * @param numTokens ids ≥ this are padding and take no part
     */
    void topLogprobs(Tensor ids, Tensor logprobs, Tensor logits, Tensor sampled, int numTokens);

    /** Copies whole pages: pairs [n, 2] i32 (from, to). For copy on write. */
    void copyPages(KvLayer kv, Tensor pairs);

    /** Absolute positions at which attention splits the context, on every back end. */
    int ATTENTION_SPLIT_TOKENS = 512;
}
