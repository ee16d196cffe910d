package io.millrace.engine;

import io.millrace.engine.schedule.Sequence;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Decides after each token whether a sample is over. Immutable; any thread. */
final class SampleEnd {
    private final int[] endIds;

    /**
     * Makes it.
     *
     * @param endIds end-of-sequence ids of the model
     */
    SampleEnd(int[] endIds) {
        this.endIds = endIds.clone();
    }

    /** Returns the ids that aren't text: end tokens, also where they are ignored, and stop ids. */
    Set<Integer> hiddenIds(SamplingParams params) {
        Set<Integer> hidden = new HashSet<>(params.stopTokenIds());
        Arrays.stream(endIds).forEach(hidden::add);
        return hidden;
    }

    /**
     * Returns why the sample ends with its newest token, or null if it goes on. End tokens come before the length: a last allowed
     * token that is an end token ends with {@code stop}.
     *
     * @param isStopped whether a stop string was found
     */
    @Nullable
    FinishReason after(Sequence<LiveSample> s, int token, boolean isStopped) {
        boolean isEnd = !s.params().ignoreEos() && Arrays.stream(endIds).anyMatch(id -> id == token);
        if (isEnd || isStopped || s.params().stopTokenIds().contains(token)) {
            return FinishReason.STOP;
        }
        return s.isFull() ? FinishReason.LENGTH : null;
    }
}
