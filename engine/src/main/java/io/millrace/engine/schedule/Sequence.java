package io.millrace.engine.schedule;

import io.millrace.engine.SamplingParams;
import io.millrace.engine.kv.BlockTable;
import io.millrace.engine.kv.PageKey;
import io.millrace.engine.kv.RadixCache;
import io.millrace.engine.sample.Penalties;
import io.millrace.engine.structure.GrammarMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One sample of one request while it is in the engine: its tokens, how many of them are in the KV cache, its pages. Thread: the
 * engine loop only.
 *
 * @param <C> what the owner hangs on it (its text and its listener)
 */
public final class Sequence<C> {
    private final C companion;
    private final SamplingParams params;
    private final int sampleIndex;
    private final Turn turn;
    private final int numPromptTokens;
    private final int maxTokens;
    private final @Nullable Penalties penalties;
    private final @Nullable String cacheSalt;
    /** Of the first full pages; empty without a cache. */
    private final List<PageKey> pageKeys = new ArrayList<>();

    private int[] tokens;
    private int numTokens;
    private int numComputed;
    private int numEverComputed;
    private int numRecomputed;
    private int numCached = -1;
    private int[] drafts = StepPlan.NO_DRAFTS;
    private int numDrafted;
    private int numAccepted;
    private int nextScored;
    private int topLogprobsOfScores;
    private SequenceState state = SequenceState.NEW;
    private @Nullable BlockTable blockTable;
    private @Nullable GrammarMask mask;

    /**
     * Makes a waiting sequence.
     *
     * @param companion what the owner hangs on it
     * @param params sampling
     * @param sampleIndex which of the request's samples
     * @param turn its claim to be served
     * @param prompt ids, ≥ 1
     * @param maxTokens tokens to generate at most, context already considered
     * @param cacheSalt shares pages with sequences of the same salt only; null = with those that have none
     */
    public Sequence(
            C companion,
            SamplingParams params,
            int sampleIndex,
            Turn turn,
            int[] prompt,
            int maxTokens,
            @Nullable String cacheSalt) {
        this.companion = companion;
        this.params = params;
        this.sampleIndex = sampleIndex;
        this.turn = turn;
        this.maxTokens = maxTokens;
        this.cacheSalt = cacheSalt;
        numPromptTokens = prompt.length;
        numTokens = prompt.length;
        tokens = Arrays.copyOf(prompt, prompt.length + Math.min(maxTokens, 64));
        penalties = Penalties.of(params, prompt);
        nextScored = prompt.length;
    }

    /**
     * Wants the log-probabilities of the prompt's tokens from one on; before it is queued.
     *
     * @param first index of the first one, ≥ 1
     * @param topLogprobs most likely tokens beside each
     */
    public void score(int first, int topLogprobs) {
        nextScored = first;
        topLogprobsOfScores = topLogprobs;
    }

    /** Returns the index of the first prompt token whose log-probability is still wanted; the prompt's length if none is. */
    public int nextScored() {
        return nextScored;
    }

    /** Returns how many of the most likely tokens are wanted beside each scored one. */
    public int topLogprobsOfScores() {
        return topLogprobsOfScores;
    }

    /** Notes that the next tokens are scored. */
    public void scored(int count) {
        nextScored += count;
    }

    /** Returns how many tokens are scored by the rows of the next {@code count}: a row tells about the token behind it. */
    int numScores(int count) {
        int end = Math.min(numComputed + count, numPromptTokens - 1);
        return Math.max(0, end - Math.max(numComputed, nextScored - 1));
    }

    /** Returns how many of the missing tokens can be computed with at most that many rows of logits, ≥ 1. */
    int numMissingWithin(int logitRows) {
        int numUnscored = Math.max(0, nextScored - 1 - numComputed);
        return nextScored == numPromptTokens ? numMissing() : Math.min(numMissing(), numUnscored + logitRows);
    }

    /** Returns what the owner hung on it. */
    public C companion() {
        return companion;
    }

    /** Returns the sampling parameters. */
    public SamplingParams params() {
        return params;
    }

    /** Returns which of the request's samples this is. */
    public int sampleIndex() {
        return sampleIndex;
    }

    /** Returns its claim to be served. */
    Turn turn() {
        return turn;
    }

    /** Returns the penalties and biases, null if there are none. */
    public @Nullable Penalties penalties() {
        return penalties;
    }

    /** Lets it draw only what a structure allows; before its first token. */
    public void follow(GrammarMask newMask) {
        mask = newMask;
    }

    /** Returns what its structure allows, null if it has none. */
    public @Nullable GrammarMask mask() {
        return mask;
    }

    /** Returns prompt and generated tokens together. */
    public int numTokens() {
        return numTokens;
    }

    /** Returns the generated tokens. */
    public int numOutputTokens() {
        return numTokens - numPromptTokens;
    }

    /** Returns the prompt's tokens. */
    public int numPromptTokens() {
        return numPromptTokens;
    }

    /** Returns the token at a position. */
    public int token(int position) {
        return tokens[position];
    }

    /** Returns a copy of the generated ids. */
    public int[] outputTokens() {
        return Arrays.copyOfRange(tokens, numPromptTokens, numTokens);
    }

    /** Returns a copy of the prompt's ids. */
    public int[] promptTokens() {
        return Arrays.copyOf(tokens, numPromptTokens);
    }

    /** Returns how many tokens, from the first, are in the KV cache. */
    public int numComputed() {
        return numComputed;
    }

    /** Returns how many tokens are not in the KV cache yet: 1 while decoding, more while prefilling. */
    public int numMissing() {
        return numTokens - numComputed;
    }

    /** Returns how many tokens' KV was computed more than once, after a preemption or a resume. */
    public int numRecomputed() {
        return numRecomputed;
    }

    /** Returns how many of the prompt's tokens were found in the cache when the sequence was first admitted. */
    public int numCachedTokens() {
        return Math.max(0, numCached);
    }

    /** Returns whether no further token may be generated. */
    public boolean isFull() {
        return numOutputTokens() >= maxTokens;
    }

    /** Returns where it is. */
    public SequenceState state() {
        return state;
    }

    /** Returns the ids proposed for its next positions, to be verified by the next step. */
    int[] drafts() {
        return drafts;
    }

    /** Proposes ids, maybe none, for the positions behind those that the running step draws. */
    public void propose(int[] ids) {
        drafts = ids;
    }

    /**
     * Returns whether it may draft once it has {@code numNew} tokens more: a draw that looks at what was drawn before it can't be
     * verified together with it, and there must be room for all drafts and one token behind them.
     */
    public boolean canDraft(int numNew, int numDraftTokens) {
        return penalties == null && numOutputTokens() + numNew + numDraftTokens < maxTokens;
    }

    /** Returns the drafts that were verified. */
    public int numDraftTokens() {
        return numDrafted;
    }

    /** Returns how many of them were accepted. */
    public int numAcceptedTokens() {
        return numAccepted;
    }

    /** Notes what became of the drafts. */
    void verified(int numVerified, int numRight) {
        numDrafted += numVerified;
        numAccepted += numRight;
    }

    /** Returns the tokens that must have a place: what is known, drafts, and what the drafts after those write while they are made. */
    int numTokensWithDrafts(int numDraftTokens) {
        boolean isDrafting = penalties == null && numDraftTokens > 0;
        return isDrafting
                ? (int) Math.min((long) numPromptTokens + maxTokens, numTokens + 2L * numDraftTokens)
                : numTokens;
    }

    /** Returns its pages; only while it runs. */
    public BlockTable blockTable() {
        if (blockTable == null) {
            throw new IllegalStateException("a " + state + " sequence has no pages");
        }
        return blockTable;
    }

    /** Appends a generated token (drawn, or kept from before a failure). */
    public void append(int token) {
        if (numTokens == tokens.length) {
            tokens = Arrays.copyOf(tokens, (int) Math.min((long) numPromptTokens + maxTokens, 2L * numTokens));
        }
        tokens[numTokens++] = token;
        if (penalties != null) {
            penalties.addOutput(token);
        }
        if (mask != null) {
            mask.accept(token);
        }
    }

    /** Marks kept tokens as computed once before this engine's time, so that their prefill counts as recomputed. */
    public void markKept() {
        numEverComputed = numTokens;
    }

    /** Notes that the next {@code count} tokens are in the KV cache now; returns how many of them for the first time. */
    int advance(int count) {
        int first = Math.max(0, numComputed + count - Math.max(numEverComputed, numComputed));
        numRecomputed += count - first;
        numComputed += count;
        numEverComputed = Math.max(numEverComputed, numComputed);
        return first;
    }

    /** Takes the cached pages of what is known into an empty table, none of what tells scores; returns the tokens in them. */
    int shareFrom(RadixCache cache, BlockTable into) {
        int numShared = nextScored < numPromptTokens ? nextScored : numTokens;
        return cache.share(tokens, numShared, cacheSalt, pageKeys, into);
    }

    /** Offers the pages that are full of tokens appended so far. */
    void offerTo(RadixCache cache) {
        cache.offer(tokens, Math.min(numComputed, numTokens), cacheSalt, pageKeys, blockTable());
    }

    /** Returns whether a full page of known tokens is the same, all before it included, as {@code other}'s. */
    boolean hasPageOf(Sequence<C> other, int page) {
        return page < pageKeys.size()
                && page < other.pageKeys.size()
                && pageKeys.get(page).equals(other.pageKeys.get(page));
    }

    /** Notes that it waits to be served now. */
    void queue() {
        state = SequenceState.WAITING;
    }

    /**
     * Begins to run.
     *
     * @param pages for all known tokens
     * @param hitTokens how many of them are in those pages already
     * @return whether it is the first time
     */
    boolean start(BlockTable pages, int hitTokens) {
        blockTable = pages;
        state = SequenceState.RUNNING;
        numComputed = hitTokens;
        boolean isFirst = numCached < 0;
        if (isFirst) {
            numCached = Math.min(hitTokens, numPromptTokens);
        }
        return isFirst;
    }

    /** Gives the pages back; {@code next} is WAITING (preempted) or FINISHED. */
    void stop(SequenceState next) {
        if (blockTable != null) {
            blockTable.releaseAll();
            blockTable = null;
        }
        numComputed = 0;
        drafts = StepPlan.NO_DRAFTS;
        state = next;
    }

    /** Orders by priority, then arrival: who is last is preempted first. */
    static int compare(Sequence<?> a, Sequence<?> b) {
        return Turn.compare(a.turn, b.turn);
    }
}
