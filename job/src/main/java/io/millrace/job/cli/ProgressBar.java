package io.millrace.job.cli;

import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineMetrics;
import java.io.PrintStream;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One line that is drawn over and over: while an engine starts, how much of the weights is loaded; then what is done, tokens per
 * second, time to first token, who runs and waits, KV use, time left. Draws at most ten times a second. Thread: the command's.
 */
public final class ProgressBar {
    private static final long DRAW_NANOS = 100_000_000;
    private static final int WIDTH = 24;
    private static final String ERASE = "\r\u001b[K";

    private final @Nullable PrintStream to;
    private final long total;
    private final long startNanos = System.nanoTime();
    private final long startTokens;
    private long drawnNanos;
    private boolean isShown;

    /**
     * Makes one.
     *
     * @param to null = show nothing
     * @param total requests, or whatever else is counted; 0 = unknown
     */
    public ProgressBar(@Nullable PrintStream to, long total) {
        this.to = to;
        this.total = total;
        this.startTokens =
                to == null ? 0 : EngineHost.metrics().generationTokens.sum();
    }

    /**
     * Draws, if it is time.
     *
     * @param done of the total
     * @param ttftMs time to first token, typically; NaN = unknown
     */
    public void update(long done, double ttftMs) {
        long now = System.nanoTime();
        if (to == null || (isShown && now - drawnNanos < DRAW_NANOS)) {
            return;
        }
        drawnNanos = now;
        isShown = true;
        to.print(ERASE + line(done, ttftMs, (now - startNanos) / 1e9, EngineHost.metrics()));
        to.flush();
    }

    /** The line for that state. */
    String line(long done, double ttftMs, double seconds, EngineMetrics m) {
        long bytesToLoad = m.bytesToLoad.get();
        if (bytesToLoad > 0) {
            return loading(m.loadedBytes.get(), bytesToLoad);
        }
        StringBuilder sb = new StringBuilder();
        double share = total == 0 ? 0 : Math.min(1, (double) done / total);
        if (total > 0) {
            sb.append(bar(share));
        }
        sb.append(done);
        if (total > 0) {
            sb.append('/').append(total);
        }
        double tokensPerSecond = (m.generationTokens.sum() - startTokens) / Math.max(seconds, 1e-3);
        sb.append(String.format(Locale.ROOT, "  %,.0f tok/s", tokensPerSecond));
        if (!Double.isNaN(ttftMs)) {
            sb.append(String.format(Locale.ROOT, "  TTFT %,.0f ms", ttftMs));
        }
        sb.append(String.format(
                Locale.ROOT,
                "  running %d waiting %d  KV %.0f %%",
                m.numRequestsRunning.get(),
                m.numRequestsWaiting.get(),
                100 * m.kvCacheUsage()));
        if (share > 0 && share < 1) {
            long left = Math.round(seconds * (1 - share) / share);
            sb.append(String.format(Locale.ROOT, "  ETA %d:%02d", left / 60, left % 60));
        }
        return sb.toString();
    }

    private static String loading(long loadedBytes, long bytes) {
        return loadedBytes < bytes
                ? String.format(
                        Locale.ROOT,
                        "%sloading %.2f of %.2f GB",
                        bar((double) loadedBytes / bytes),
                        loadedBytes / 1e9,
                        bytes / 1e9)
                : bar(1) + "loaded, warming up";
    }

    private static String bar(double share) {
        int full = (int) Math.round(share * WIDTH);
        return "▕" + "█".repeat(full) + " ".repeat(WIDTH - full) + "▏ ";
    }

    /** Removes the line, so that others can be printed. */
    public void clear() {
        if (to != null && isShown) {
            to.print(ERASE);
            to.flush();
            isShown = false;
        }
    }
}
