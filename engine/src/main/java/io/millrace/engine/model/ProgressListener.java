package io.millrace.engine.model;

/** Hears how far something long has come, for a bar. Thread: any loader thread, one call at a time. */
@FunctionalInterface
public interface ProgressListener {
    /** Hears nothing. */
    ProgressListener NONE = (doneBytes, totalBytes) -> {};

    /** Called now and then, the last time with both equal. */
    void progress(long doneBytes, long totalBytes);
}
