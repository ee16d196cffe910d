package io.millrace.job.dataset;

import io.millrace.engine.RejectedException;
import java.util.function.Consumer;

/** Draws samples. */
@FunctionalInterface
interface Generator {
    /** Queues an attempt and returns at once; its one outcome comes on another thread. */
    void draw(Question question, int attempt, long seed, Consumer<Outcome> then);

    /** How an attempt ended. */
    sealed interface Outcome {
        /** With a sample. */
        record Drawn(Sample sample) implements Outcome {}

        /** The engine can't answer this question. */
        record Refused(RejectedException cause) implements Outcome {}

        /** The engine broke and answers nothing more. */
        record Broken(RuntimeException cause) implements Outcome {}
    }
}
