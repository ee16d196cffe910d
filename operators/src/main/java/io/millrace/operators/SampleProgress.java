package io.millrace.operators;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.TokenLogprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One sample's tokens so far, and its result once it has one. Thread: the mailbox. */
final class SampleProgress {
    private int[] tokens;
    private int numTokens;
    private final List<TokenLogprobs> logprobs;
    private EngineEvent.@Nullable Finished result;

    /** Nothing generated yet. */
    SampleProgress() {
        this(new int[0], List.of(), null);
    }

    /**
     * As it was kept over a failure.
     *
     * @param tokenIds generated ids, in order
     * @param logprobs one per id, or none at all
     * @param result the result of a finished sample
     */
    SampleProgress(int[] tokenIds, List<TokenLogprobs> logprobs, EngineEvent.@Nullable Finished result) {
        this.tokens = tokenIds;
        this.numTokens = tokenIds.length;
        this.logprobs = new ArrayList<>(logprobs);
        this.result = result;
    }

    void append(EngineEvent.Delta delta) {
        int[] more = delta.tokenIds();
        if (numTokens + more.length > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(numTokens + more.length, 2 * numTokens));
        }
        System.arraycopy(more, 0, tokens, numTokens, more.length);
        numTokens += more.length;
        if (delta.logprobs() != null) {
            logprobs.addAll(delta.logprobs());
        }
    }

    /** Takes the log-probabilities of given tokens, all at once. */
    void score(List<TokenLogprobs> scores) {
        logprobs.clear();
        logprobs.addAll(scores);
    }

    void finish(EngineEvent.Finished finished) {
        result = finished;
        tokens = finished.tokenIds();
        numTokens = tokens.length;
    }

    boolean isDone() {
        return result != null;
    }

    /** Returns a copy of the generated ids. */
    int[] tokenIds() {
        return Arrays.copyOf(tokens, numTokens);
    }

    int numTokens() {
        return numTokens;
    }

    /** Returns one entry per generated id, or none at all if they weren't asked for; or one per scored id. */
    List<TokenLogprobs> logprobs() {
        return logprobs;
    }

    /** Returns the result, or null while it is being generated. */
    EngineEvent.@Nullable Finished result() {
        return result;
    }
}
