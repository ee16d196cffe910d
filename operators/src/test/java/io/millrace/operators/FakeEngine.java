package io.millrace.operators;

import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineEvent.Delta;
import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.EngineEvent.SampleStats;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineMetrics;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.FinishReason;
import io.millrace.engine.RejectedException;
import io.millrace.engine.SamplingOptions;
import io.millrace.engine.ServedModel;
import io.millrace.engine.Submission;
import io.millrace.engine.TokenLogprobs;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine whose tokens are a function of id, seed, sample index and position, so that every token of a completion can be said
 * beforehand. One token per sample and {@link #step}; the test's thread steps it, or {@link #start} does from a thread of its own.
 */
final class FakeEngine {
    static final int NUM_TOKENS = 1000;
    static final int[] PROMPT_IDS = {11, 12, 13};

    final String hash;
    final EngineMetrics metrics = new EngineMetrics();
    final List<EngineRequest> received = new CopyOnWriteArrayList<>();
    final AtomicInteger drawn = new AtomicInteger();
    final AtomicInteger scored = new AtomicInteger();
    final AtomicInteger abandoned = new AtomicInteger();
    final AtomicInteger openLeases = new AtomicInteger();
    final AtomicInteger maxRunning = new AtomicInteger();
    volatile SamplingOptions defaults = SamplingOptions.NONE;
    volatile boolean isBroken;
    volatile RejectedException rejectsAtOnce;

    private final List<Running> running = new ArrayList<>();
    private volatile Thread thread;

    FakeEngine(String hash) {
        this.hash = hash;
    }

    /** Oracle: the id drawn at a position. */
    static int token(String id, long seed, int sample, int position) {
        long h = id.hashCode() * 31L + seed * 7919 + sample * 104729L + position * 1299709L;
        h ^= h >>> 17;
        return (int) Math.floorMod(h * 0x9E3779B97F4A7C15L >>> 20, (long) NUM_TOKENS);
    }

    /** Oracle: all ids of a sample, 3 … 40 of them, or as many as max_tokens says. */
    static int[] tokens(String id, long seed, int sample, int maxTokens) {
        int[] ids = new int[Math.min(maxTokens, 3 + Math.floorMod(id.hashCode() + sample * 5, 38))];
        Arrays.setAll(ids, position -> token(id, seed, sample, position));
        return ids;
    }

    /** Oracle: the log-probabilities of a given text, one token for each character. */
    static List<TokenLogprobs> scores(String text) {
        return text.chars()
                .mapToObj(c -> new TokenLogprobs(new int[] {c % NUM_TOKENS}, new float[] {-(c * 37 % 101) / 64f}))
                .toList();
    }

    private static boolean isScored(EngineRequest request) {
        return request.scoring() != null && request.scoring().continuation() != null;
    }

    static byte[] tokenBytes(int id) {
        return ("t" + id + " ").getBytes(StandardCharsets.UTF_8);
    }

    static String text(int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append('t').append(id).append(' ');
        }
        return text.toString();
    }

    EngineHost.Lease lease() {
        openLeases.incrementAndGet();
        return new EngineHost.Lease() {
            @Override
            public Submission submit(EngineRequest request, EngineListener listener) {
                return FakeEngine.this.submit(request, listener);
            }

            @Override
            public ServedModel model() {
                return new ServedModel("fake", hash, "cpu", "tp1", 4096, defaults, null);
            }

            @Override
            public void close() {
                openLeases.decrementAndGet();
            }
        };
    }

    private synchronized Submission submit(EngineRequest request, EngineListener listener) {
        received.add(request);
        if (rejectsAtOnce != null) {
            throw rejectsAtOnce;
        }
        Running r = new Running(request, listener);
        running.add(r);
        maxRunning.accumulateAndGet(running.size(), Math::max);
        notifyAll();
        return new Submission() {
            @Override
            public void cancel() {
                r.isCancelled = true;
            }

            @Override
            public void abandon() {
                abandoned.incrementAndGet();
                r.isAbandoned = true;
            }
        };
    }

    /** Draws a token for every sample; returns whether there was anything to do. */
    synchronized boolean step() {
        running.removeIf(r -> r.isAbandoned);
        boolean hadWork = !running.isEmpty();
        running.removeIf(Running::step);
        return hadWork;
    }

    /** Rejects the request with this id. */
    synchronized void reject(String id, RejectedException cause) {
        for (Running r : running) {
            if (r.request.id().equals(id)) {
                r.listener.onEvent(new EngineEvent.Rejected(cause));
            }
        }
        running.removeIf(r -> r.request.id().equals(id));
    }

    /** Breaks: every listener hears it, nothing is answered any more. */
    synchronized void fail(RuntimeException cause) {
        isBroken = true;
        running.forEach(r -> r.listener.onEngineFailure(cause));
        running.clear();
    }

    /** Steps from a thread until {@link #stop}; before each step it runs {@code beforeStep}. */
    void start(Runnable beforeStep) {
        Thread t = new Thread(
                () -> {
                    while (thread == Thread.currentThread() && !isBroken) {
                        beforeStep.run();
                        if (!step()) {
                            pause();
                        }
                    }
                },
                "millrace-fake-engine");
        thread = t;
        t.start();
    }

    private synchronized void pause() {
        try {
            if (running.isEmpty()) {
                wait(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void stop() throws InterruptedException {
        Thread t = thread;
        thread = null;
        if (t != null) {
            t.join();
        }
    }

    private final class Running {
        final EngineRequest request;
        final EngineListener listener;
        final int[][] all;
        final int[] done;
        final int[] kept;
        final boolean[] isFinished;
        volatile boolean isCancelled;
        volatile boolean isAbandoned;

        Running(EngineRequest request, EngineListener listener) {
            this.request = request;
            this.listener = listener;
            int n = request.params().n();
            all = new int[n][];
            kept = new int[n];
            isFinished = new boolean[n];
            for (int i = 0; i < n; i++) {
                all[i] = tokens(
                        request.id(),
                        request.params().seed(),
                        i,
                        request.params().maxTokens());
                int[] keptIds = request.keptTokens() == null ? new int[0] : request.keptTokens()[i];
                if (!Arrays.equals(keptIds, Arrays.copyOf(all[i], keptIds.length))) {
                    throw new IllegalArgumentException("kept tokens of " + request.id() + " are wrong");
                }
                kept[i] = keptIds.length;
            }
            done = kept.clone();
        }

        /** Returns whether all samples are over. */
        boolean step() {
            boolean isOver = true;
            for (int i = 0; i < all.length; i++) {
                if (!isFinished[i]) {
                    stepSample(i);
                }
                isOver &= isFinished[i];
            }
            return isOver;
        }

        private void stepSample(int i) {
            if (isCancelled) {
                finish(i, FinishReason.CANCELLED);
                return;
            }
            Long deadline = request.terms().deadlineNanos();
            if (deadline != null && System.nanoTime() - deadline >= 0) {
                finish(i, FinishReason.DEADLINE);
                return;
            }
            if (isScored(request)) {
                String text = request.scoring().continuation();
                scored.incrementAndGet();
                listener.onEvent(new EngineEvent.Scored(scores(text)));
                all[i] = new int[0];
                finish(i, FinishReason.STOP);
                return;
            }
            if (request.scoring() != null && i == 0 && done[i] == kept[i]) {
                listener.onEvent(new EngineEvent.Scored(scores("ab")));
            }
            if (done[i] < all[i].length) {
                int id = all[i][done[i]++];
                drawn.incrementAndGet();
                int charsBefore = text(Arrays.copyOf(all[i], done[i] - 1)).length();
                listener.onEvent(new Delta(i, new int[] {id}, logprobs(id), "", text(new int[] {id}), 0, charsBefore));
            }
            if (done[i] == all[i].length) {
                finish(i, done[i] == request.params().maxTokens() ? FinishReason.LENGTH : FinishReason.STOP);
            }
        }

        private List<TokenLogprobs> logprobs(int id) {
            int top = request.params().topLogprobs();
            if (top < 0) {
                return null;
            }
            int[] ids = new int[top + 1];
            float[] values = new float[top + 1];
            for (int k = 0; k <= top; k++) {
                ids[k] = (id + k) % NUM_TOKENS;
                values[k] = -(id + k) / 1024f;
            }
            return List.of(new TokenLogprobs(ids, values));
        }

        private void finish(int i, FinishReason reason) {
            isFinished[i] = true;
            int[] ids = Arrays.copyOf(all[i], done[i]);
            SampleStats stats = new SampleStats(PROMPT_IDS, 0, kept[i], kept[i], 0, 0, 1_000_000, 2_000_000);
            listener.onEvent(new Finished(i, reason, null, text(ids), text(ids), ids, 0, stats));
        }
    }
}
