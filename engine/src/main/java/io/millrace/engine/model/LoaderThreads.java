package io.millrace.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Does independent pieces of loading at the same time, on threads that live as long as one call. */
final class LoaderThreads {
    /** More don't help: files and memory are the limit. */
    private static final int MAX_THREADS = 8;

    private LoaderThreads() {}

    /**
     * Returns the tasks' results in their order. If one fails, its exception is thrown once those that have begun are through; the
     * others never begin.
     */
    static <T> List<T> all(List<Callable<T>> tasks) {
        AtomicInteger count = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(
                Math.max(1, Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors())), task -> {
                    Thread thread = new Thread(task, "millrace-loader-" + count.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        try {
            List<Future<T>> futures = new ArrayList<>();
            tasks.forEach(task -> futures.add(threads.submit(task)));
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException known) {
                throw known;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException("loading failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while loading", e);
        } finally {
            threads.shutdownNow();
            awaitEnd(threads);
        }
    }

    /** Waits, even if interrupted: afterwards nothing touches files or device any more. */
    private static void awaitEnd(ExecutorService threads) {
        boolean isInterrupted = false;
        while (!threads.isTerminated()) {
            try {
                threads.awaitTermination(1, TimeUnit.HOURS);
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
