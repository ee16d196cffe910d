package io.millrace.engine;

import io.millrace.engine.schedule.Sequence;
import java.util.ArrayList;
import java.util.List;

/** A request while the engine holds it. Thread: the engine loop only. */
final class LiveRequest {
    final EngineRequest request;
    final EngineListener listener;
    final long submittedNanos;
    /** Order of submission as the engine saw it; set when it enters. */
    long number;
    /** Samples that aren't over. */
    final List<Sequence<LiveSample>> sequences = new ArrayList<>();

    /** Returns whether it generates anything, and doesn't just score a text. */
    boolean isDrawing() {
        Scoring scoring = request.scoring();
        return scoring == null || scoring.continuation() == null;
    }

    LiveRequest(EngineRequest request, EngineListener listener, long submittedNanos) {
        this.request = request;
        this.listener = listener;
        this.submittedNanos = submittedNanos;
    }
}
