package io.millrace.engine.model;

/** Adds up the bytes that several threads report and passes the sum on, one call at a time. Thread: any. */
final class ByteProgress {
    private final long totalBytes;
    private final ProgressListener listener;
    private long doneBytes;

    ByteProgress(long totalBytes, ProgressListener listener) {
        this.totalBytes = totalBytes;
        this.listener = listener;
    }

    synchronized void add(long bytes) {
        doneBytes += bytes;
        listener.progress(doneBytes, totalBytes);
    }
}
