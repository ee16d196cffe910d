package io.millrace.engine;

import io.millrace.engine.model.ProgressListener;
import java.util.Arrays;

/** Adds up what the ranks have loaded. Any thread. */
final class LoadProgress {
    private final EngineMetrics metrics;
    /** [numRanks] bytes. */
    private final long[] done;
    /** [numRanks] bytes, 0 until a rank has begun. */
    private final long[] total;

    LoadProgress(EngineMetrics metrics, int numRanks) {
        this.metrics = metrics;
        done = new long[numRanks];
        total = new long[numRanks];
    }

    ProgressListener ofRank(int rank) {
        return (doneBytes, totalBytes) -> update(rank, doneBytes, totalBytes);
    }

    private synchronized void update(int rank, long doneBytes, long totalBytes) {
        done[rank] = doneBytes;
        total[rank] = totalBytes;
        metrics.loadedBytes.set(Arrays.stream(done).sum());
        metrics.bytesToLoad.set(Arrays.stream(total).sum());
    }
}
