package io.millrace.bench;

import io.millrace.engine.EngineConfig;
import io.millrace.engine.EngineHost;
import io.millrace.job.cli.ProgressBar;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Draws how far an engine has come while the command's thread waits for it. */
final class LoadWatch {
    private static final long LOOK_MILLIS = 100;

    private LoadWatch() {}

    /** Acquires the JVM's engine; {@code bar} shows the loading meanwhile. */
    static EngineHost.Lease acquire(EngineConfig config, ProgressBar bar) {
        CountDownLatch isReady = new CountDownLatch(1);
        Thread watch = new Thread(() -> watch(isReady, bar), "millrace-load-watch");
        watch.setDaemon(true);
        watch.start();
        try {
            return EngineHost.acquire(config);
        } finally {
            isReady.countDown();
            join(watch);
            bar.clear();
        }
    }

    private static void watch(CountDownLatch isReady, ProgressBar bar) {
        try {
            while (!isReady.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                if (EngineHost.metrics().bytesToLoad.get() > 0) {
                    bar.update(0, Double.NaN);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread watch) {
        try {
            watch.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
