package io.millrace.engine;

import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.text.SampleText;

/** One sample of a {@link LiveRequest}: its text so far and its clock. Hangs on its {@link Sequence}. Thread: the engine loop only. */
final class LiveSample {
    final LiveRequest request;
    final SampleText text;
    int keptTokens;
    long firstTokenNanos;

    LiveSample(LiveRequest request, SampleText text) {
        this.request = request;
        this.text = text;
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
