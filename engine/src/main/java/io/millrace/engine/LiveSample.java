package io.millrace.engine;

import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.text.SampleText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One sample of a {@link LiveRequest}: its text so far and its clock. Hangs on its {@link Sequence}. Thread: the engine loop only. */
final class LiveSample {
    final LiveRequest request;
    final SampleText text;
    int keptTokens;
    long firstTokenNanos;
    /** Of given tokens, until all that were asked for are there. */
    final List<TokenLogprobs> scores = new ArrayList<>();

    private int reasoningChars;
    private int contentChars;

    LiveSample(LiveRequest request, SampleText text) {
        this.request = request;
        this.text = text;
    }

    /** Counts text that isn't told any more: that of kept tokens. */
    void skip(SampleText.Appended text) {
        reasoningChars += text.reasoningDelta().length();
        contentChars += text.contentDelta().length();
    }

    /** Makes the event of new text, which begins where the text before it ended. */
    EngineEvent.Delta delta(
            int sampleIndex,
            int[] tokenIds,
            @Nullable List<TokenLogprobs> logprobs,
            String reasoningDelta,
            String contentDelta) {
        EngineEvent.Delta delta = new EngineEvent.Delta(
                sampleIndex, tokenIds, logprobs, reasoningDelta, contentDelta, reasoningChars, contentChars);
        reasoningChars += reasoningDelta.length();
        contentChars += contentDelta.length();
        return delta;
    }

    EngineEvent.SampleStats stats(Sequence<LiveSample> s, long nowNanos) {
        return new EngineEvent.SampleStats(
                s.promptTokens(),
                s.numCachedTokens(),
                keptTokens,
                s.numRecomputed(),
                s.numDraftTokens(),
                s.numAcceptedTokens(),
                firstTokenNanos == 0 ? 0 : firstTokenNanos - request.submittedNanos,
                nowNanos - request.submittedNanos);
    }
}
