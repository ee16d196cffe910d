package io.millrace.engine;

import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.run.RankGroup;
import io.millrace.engine.run.StepRunner;
import io.millrace.engine.sample.Sampler;
import io.millrace.engine.schedule.Scheduler;
import io.millrace.engine.schedule.Sequence;
import io.millrace.engine.schedule.SequenceState;
import io.millrace.engine.schedule.StepPlan;
import io.millrace.engine.schedule.Turn;
import io.millrace.engine.structure.CompiledStructure;
import io.millrace.engine.structure.GrammarMask;
import io.millrace.engine.structure.Structure;
import io.millrace.engine.text.SampleText;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model with its scheduler: submit, cancel, step, close. {@link #submit} may be called from any thread; {@link #step} and
 * what it calls belong to one thread, the engine loop's, on which every event is delivered; only when that one doesn't come back from
 * the device, a watchdog tells everybody in its place.
 */
public final class Engine implements AutoCloseable {
    private final RankGroup ranks;
    private final ServedModel model;
    private final PromptReader promptReader;
    private final Scheduler<LiveSample> scheduler;
    private final StepRunner runner;
    private final EngineMetrics metrics;
    private final SampleEnd sampleEnd;
    private final AdmissionLimits admission;
    private final Deadlines deadlines = new Deadlines();
    private final LinkedBlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
    private final List<LiveRequest> live = new ArrayList<>();
    private final Custody custody = new Custody();
    private volatile long progressNanos;
    private volatile boolean hasLive;
    private long arrivals;

    Engine(EngineParts parts) {
        ranks = parts.ranks();
        model = parts.model();
        promptReader = parts.promptReader();
        scheduler = parts.scheduler();
        runner = parts.runner();
        metrics = parts.metrics();
        sampleEnd = parts.sampleEnd();
        admission = parts.admission();
    }

    /**
     * Loads a model. Blocks until it is ready to step.
     *
     * @throws ConfigException if the folder or the options are wrong
     * @throws io.millrace.kernels.DeviceException if the device is missing or too small
     */
    public static Engine open(EngineConfig config, EngineMetrics metrics) {
        return new Engine(EngineParts.load(config, metrics));
    }

    /** Returns what is served. */
    public ServedModel model() {
        return model;
    }

    /** Queues a request and returns at once. Tokenises here, in the caller's thread; every event comes on the engine's. */
    public Submission submit(EngineRequest request, EngineListener listener) {
        LiveRequest entry = new LiveRequest(request, listener, System.nanoTime());
        PromptReader.Read prompt;
        try {
            prompt = promptReader.read(request);
        } catch (RejectedException e) {
            inbox.add(() -> reject(entry, e));
            return new LiveSubmission(entry);
        }
        inbox.add(() -> enter(entry, prompt));
        return new LiveSubmission(entry);
    }

    /**
     * Takes what was submitted, runs one step of everything that runs, and delivers its events.
     *
     * @return false if there was nothing to do
     */
    public boolean step() {
        long start = System.nanoTime();
        List<StepPlan<LiveSample>> plans = custody.hold(this::planStep);
        if (plans.stream().allMatch(plan -> plan.size() == 0)) {
            return false;
        }
        List<Sampler> drawn = runner.run(plans);
        custody.hold(() -> endStep(plans, drawn));
        metrics.forwardNanos.add(runner.forwardNanos());
        metrics.stepNanos.add(System.nanoTime() - start);
        return true;
    }

    private List<StepPlan<LiveSample>> planStep() {
        takeInbox();
        endOverdue();
        return scheduler.plan();
    }

    private boolean endStep(List<StepPlan<LiveSample>> plans, List<Sampler> drawn) {
        scheduler.stepDone();
        for (int group = 0; group < plans.size(); group++) {
            deliver(plans.get(group), drawn.get(group));
        }
        progressNanos = System.nanoTime();
        return true;
    }

    /** Waits until something is submitted or cancelled. */
    void awaitWork() throws InterruptedException {
        Runnable work = inbox.take();
        custody.hold(() -> {
            work.run();
            return work;
        });
    }

    /** Returns for how long no step has ended though there are requests. Any thread. */
    long stalledNanos() {
        return hasLive ? System.nanoTime() - progressNanos : 0;
    }

    /** Makes the calling thread the engine's; whoever was it gets that failure as soon as it comes back from the device. */
    void seize(RuntimeException cause) {
        custody.seize(cause);
    }

    /** Returns whether {@link #seize} was called. Any thread. */
    boolean isSeized() {
        return custody.isSeized();
    }

    /** Makes {@link #awaitWork} return. Any thread. */
    void wake() {
        inbox.add(() -> {});
    }

    private void takeInbox() {
        for (Runnable r = inbox.poll(); r != null; r = inbox.poll()) {
            r.run();
        }
    }

    /** Before every step, so that who is late isn't begun, and who becomes late computes no further token. */
    private void endOverdue() {
        long now = System.nanoTime();
        for (LiveRequest r = deadlines.pollOverdue(now); r != null; r = deadlines.pollOverdue(now)) {
            end(r, FinishReason.DEADLINE);
        }
    }

    private void end(LiveRequest entry, FinishReason reason) {
        List.copyOf(entry.sequences).forEach(s -> finish(s, reason));
    }

    private void enter(LiveRequest entry, PromptReader.Read prompt) {
        SamplingParams params = entry.request.params();
        RejectedException refusal = entry.request.keptTokens() != null
                ? null // it has been let in already
                : admission.refusal(
                        scheduler.numWaiting() + params.n() - scheduler.numFreeRows(),
                        scheduler.numWaitingTokens(),
                        (long) params.n() * prompt.ids().length);
        if (refusal != null) {
            reject(entry, refusal);
            return;
        }
        entry.number = arrivals;
        if (live.isEmpty()) {
            progressNanos = System.nanoTime();
        }
        live.add(entry);
        hasLive = true;
        deadlines.add(entry);
        ServiceTerms terms = entry.request.terms();
        int maxTokens = entry.isDrawing() ? Math.min(params.maxTokens(), model.maxModelLen() - prompt.ids().length) : 1;
        for (int i = 0; i < params.n(); i++) {
            LiveSample sample = new LiveSample(
                    entry,
                    new SampleText(
                            model.tokenizer(),
                            prompt.startsInsideReasoning(),
                            params.stop(),
                            sampleEnd.hiddenIds(params),
                            params.minTokens()));
            Turn turn = new Turn(terms.priority(), terms.tenant(), arrivals++);
            Sequence<LiveSample> s =
                    new Sequence<>(sample, params, i, turn, prompt.ids(), maxTokens, terms.cacheSalt());
            CompiledStructure structure = prompt.structure();
            if (structure != null) {
                int[] endIds = sampleEnd.hiddenIds(params).stream()
                        .mapToInt(Integer::intValue)
                        .toArray();
                s.follow(structure.newMask(endIds, prompt.startsInsideReasoning(), prompt.mayReason()));
            }
            entry.sequences.add(s);
        }
        boolean isScored = false;
        for (Sequence<LiveSample> s : List.copyOf(entry.sequences)) {
            int[][] kept = entry.request.keptTokens();
            if (!resume(s, kept == null ? null : kept[s.sampleIndex()])) {
                if (!isScored) {
                    score(s, prompt);
                    isScored = true;
                }
                scheduler.add(s);
            }
        }
    }

    /** Has given tokens scored by the first sample that isn't over yet. */
    private static void score(Sequence<LiveSample> s, PromptReader.Read prompt) {
        LiveRequest entry = s.companion().request;
        Scoring scoring = entry.request.scoring();
        if (scoring != null && prompt.firstScored() < prompt.ids().length) {
            s.score(prompt.firstScored(), scoring.topLogprobs());
        } else if (scoring != null) {
            entry.listener.onEvent(new EngineEvent.Scored(List.of())); // the prompt is a single token
        }
    }

    /** Replays tokens from before a failure; returns whether they already end the sample. */
    private boolean resume(Sequence<LiveSample> s, int @Nullable [] kept) {
        if (kept == null || kept.length == 0) {
            return false;
        }
        LiveSample sample = s.companion();
        sample.keptTokens = kept.length;
        metrics.keptTokens.add(kept.length);
        for (int token : kept) {
            s.append(token);
            SampleText.Appended text = sample.text.append(token);
            sample.skip(text);
            FinishReason reason = sampleEnd.after(s, token, text.isStopped());
            if (reason != null) {
                finish(s, reason);
                return true;
            }
        }
        s.markKept();
        return false;
    }

    private void deliver(StepPlan<LiveSample> plan, Sampler drawn) {
        for (int i = 0; i < plan.size(); i++) {
            Sequence<LiveSample> s = plan.sequence(i);
            if (plan.numScores(i) > 0 && s.state() == SequenceState.RUNNING) {
                takeScores(s, drawn, plan.firstScore(i), plan.numScores(i));
            }
            int row = plan.firstDraw(i);
            int numNew = plan.numDraws(i) == 0 ? 0 : 1 + plan.numAccepted(i);
            for (int k = 0; k < numNew && s.state() == SequenceState.RUNNING; k++) { // it may end before the last
                accept(s, drawn.token(row + k), drawn.logprobs(row + k));
            }
        }
    }

    private void takeScores(Sequence<LiveSample> s, Sampler drawn, int firstRow, int count) {
        LiveSample sample = s.companion();
        for (int row = firstRow; row < firstRow + count; row++) {
            TokenLogprobs logprobs = drawn.logprobs(row);
            if (logprobs == null) {
                String what = "logits of prompt token " + (s.nextScored() + row - firstRow)
                        + " are not finite: check the weights with \"millrace model verify\"";
                reject(sample.request, new RejectedException(Stage.PREFILL, false, what));
                return;
            }
            sample.scores.add(logprobs);
        }
        s.scored(count);
        if (s.nextScored() == s.numPromptTokens()) {
            sample.request.listener.onEvent(new EngineEvent.Scored(List.copyOf(sample.scores)));
            sample.scores.clear();
            if (!sample.request.isDrawing()) {
                finish(s, FinishReason.STOP);
            }
        }
    }

    private void accept(Sequence<LiveSample> s, int token, @Nullable TokenLogprobs logprobs) {
        LiveSample sample = s.companion();
        if (token < 0) {
            Stage stage = s.numOutputTokens() == 0 ? Stage.PREFILL : Stage.DECODE_STEP;
            reject(sample.request, new RejectedException(stage, false, whyNoToken(s)));
            return;
        }
        if (sample.firstTokenNanos == 0) {
            sample.firstTokenNanos = System.nanoTime();
        }
        metrics.generationTokens.increment();
        s.append(token);
        SampleText.Appended text = sample.text.append(token);
        sample.request.listener.onEvent(sample.delta(
                s.sampleIndex(),
                new int[] {token},
                logprobs == null ? null : List.of(logprobs),
                text.reasoningDelta(),
                text.contentDelta()));
        FinishReason reason = sampleEnd.after(s, token, text.isStopped());
        if (reason != null) {
            finish(s, reason);
        }
    }

    private static String whyNoToken(Sequence<LiveSample> s) {
        GrammarMask mask = s.mask();
        Structure structure = s.companion().request.request.structure();
        return mask != null && structure != null && mask.failure() != null
                ? structure.field() + " at output token " + s.numOutputTokens() + ": " + mask.failure()
                : "logits of output token " + s.numOutputTokens()
                        + " are not finite: check the weights with \"millrace model verify\"";
    }

    private void finish(Sequence<LiveSample> s, FinishReason reason) {
        LiveSample sample = s.companion();
        EngineEvent.SampleStats stats = sample.stats(s, System.nanoTime());
        SampleText.Finished text = sample.text.finish();
        scheduler.remove(s);
        metrics.finished(reason, stats, s.numOutputTokens() - sample.keptTokens);
        sample.request.sequences.remove(s);
        if (sample.request.sequences.isEmpty()) {
            forget(sample.request);
        }
        if (!text.reasoningDelta().isEmpty() || !text.contentDelta().isEmpty()) {
            sample.request.listener.onEvent(
                    sample.delta(s.sampleIndex(), new int[0], null, text.reasoningDelta(), text.contentDelta()));
        }
        sample.request.listener.onEvent(new EngineEvent.Finished(
                s.sampleIndex(),
                reason,
                text.reasoning(),
                text.content(),
                text.text(),
                s.outputTokens(),
                text.reasoningTokens(),
                stats));
    }

    private void reject(LiveRequest entry, RejectedException cause) {
        forget(entry);
        metrics.rejected.increment();
        entry.listener.onEvent(new EngineEvent.Rejected(cause));
    }

    private void forget(LiveRequest entry) {
        entry.sequences.forEach(scheduler::remove);
        entry.sequences.clear();
        live.remove(entry);
        hasLive = !live.isEmpty();
        deadlines.remove(entry);
    }

    /** Tells every live request, and every one still in the inbox, that there will be no more answers. */
    void breakDown(RuntimeException cause) {
        List<LiveRequest> told = custody.hold(() -> {
            takeInbox();
            List<LiveRequest> all = List.copyOf(live);
            all.forEach(this::forget);
            return all;
        });
        told.forEach(entry -> entry.listener.onEngineFailure(cause));
    }

    /** Proves that every page is free or held by exactly the running sequences. Thread: the engine loop's. */
    public void checkPages() {
        scheduler.check();
    }

    @Override
    public void close() {
        ranks.close();
    }

    /** What a submitter holds. */
    private final class LiveSubmission implements Submission {
        private final LiveRequest entry;

        LiveSubmission(LiveRequest entry) {
            this.entry = entry;
        }

        @Override
        public void cancel() {
            inbox.add(() -> end(entry, FinishReason.CANCELLED));
        }

        @Override
        public void abandon() {
            inbox.add(() -> forget(entry));
        }
    }
}
