package io.millrace.operators;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineHost;
import io.millrace.engine.EngineListener;
import io.millrace.engine.EngineRequest;
import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.engine.ServedModel;
import io.millrace.engine.program.Part;
import io.millrace.engine.program.Program;
import io.millrace.kernels.DeviceException;
import io.millrace.schemas.Prompt;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * Prompts in, completions and dead letters out, through the task manager's one engine. Glue only: requests wait and decode in the
 * engine, their tokens come back as events, every checkpoint journals what is in flight. All of it in the mailbox; the engine's
 * thread only calls {@link MailboxEvents#post}.
 */
@SuppressWarnings("NullAway.Init") // Flink calls initializeState and open before all else
public final class ContinuousBatchOperator extends AbstractStreamOperator<WireRecord>
        implements OneInputStreamOperator<WireRecord, WireRecord>, BoundedOneInput {
    private static final long serialVersionUID = 1L;
    /** A century; a later deadline is none. */
    private static final long MAX_DEADLINE_MS = TimeUnit.DAYS.toMillis(36525);

    private final BatchSettings settings;
    private final EngineSource source;
    private final transient MailboxExecutor mailbox;
    private final transient MailboxEvents events;
    private final transient InFlight inFlight = new InFlight();
    private final transient WatermarkGate watermarks = new WatermarkGate();
    private transient boolean isIdleHeld;

    private transient RequestJournal journal;
    private transient List<JournalEntry> restored;
    private transient EngineHost.@Nullable Lease lease;
    private transient ServedModel model;
    private transient PromptDecoder decoder;
    private transient PromptValidator validator;
    private transient CompletionEncoder encoder;
    private transient PartialEncoder partials;
    private transient CancelSource.Subscription cancels = CancelSource.Subscription.NONE;
    private transient FlinkMetrics flinkMetrics;
    private transient @Nullable MetricsEndpoint metricsEndpoint;

    ContinuousBatchOperator(
            StreamOperatorParameters<WireRecord> parameters, BatchSettings settings, EngineSource source) {
        super(parameters);
        this.settings = settings;
        this.source = source;
        this.mailbox = parameters.getMailboxExecutor();
        this.events = new MailboxEvents(mailbox);
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        journal = new RequestJournal(context.getOperatorStateStore());
        try {
            restored = journal.takeRestored();
        } catch (ConfigException e) {
            throw new SuppressRestartsException(e);
        }
    }

    @Override
    public void open() throws Exception {
        super.open();
        try {
            lease = source.acquire(settings.engineConfig());
            model = lease.model();
            Vocabulary vocabulary = source.vocabulary(model);
            decoder = new PromptDecoder(settings);
            validator = new PromptValidator(model, vocabulary, settings.serving());
            encoder = new CompletionEncoder(model, vocabulary, settings.maxCompletionBytes(), Clock.systemUTC());
            flinkMetrics = new FlinkMetrics(getMetricGroup(), source.metrics());
            PortRange ports = settings.metricsPorts();
            metricsEndpoint = ports == null ? null : MetricsEndpoint.acquire(ports, source.metrics());
            partials = new PartialEncoder(
                    model.name(),
                    TimeUnit.MILLISECONDS.toNanos(settings.serving().partialIntervalMillis()),
                    System::nanoTime,
                    Clock.systemUTC(),
                    (request, record) ->
                            output.collect(PartialEncoder.TAG, element(record, request.entry.elementTimestamp())));
            cancels = settings.serving().cancels().subscribe(id -> events.post(() -> cancel(id)));
            resume(restored);
            restored = List.of();
        } catch (ConfigException e) {
            throw new SuppressRestartsException(e); // trying again can't help
        }
    }

    @Override
    public void processElement(StreamRecord<WireRecord> element) throws Exception {
        WireRecord record = element.getValue().copy(); // with object reuse Flink overwrites the original
        long timestamp = element.hasTimestamp() ? element.getTimestamp() : JournalEntry.NO_TIMESTAMP;
        try {
            submit(admit(record, timestamp));
        } catch (RejectedException e) {
            emitDeadLetter(record, timestamp, e);
        } catch (DeviceException e) {
            throw e; // fails the task, which restarts with every request that it had
        } catch (RuntimeException e) {
            // A bug that one prompt wakes: the operator's border keeps it from restarting the job again and again.
            LOG.error("prompt {} can't be taken: {}", record.source(), e.getMessage(), e);
            emitDeadLetter(record, timestamp, new RejectedException(Stage.VALIDATE, false, "internal error: " + e));
        }
        while (inFlight.isFull(settings.maxInFlightRequests(), settings.maxInFlightBytes())) {
            // At the operator's own priority: a checkpoint in here would journal this element while its source still
            // counts it as unread.
            mailbox.yield();
        }
    }

    @Override
    public void endInput() throws Exception {
        // At the lowest priority, so that checkpoints go on while the tail drains: a failure must not lose its
        // progress.
        MailboxExecutor lowest =
                getContainingTask().getMailboxExecutorFactory().createExecutor(TaskMailbox.MIN_PRIORITY);
        while (!inFlight.isEmpty()) {
            lowest.yield();
        }
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        super.prepareSnapshotPreBarrier(checkpointId);
        // Here and not in snapshotState: what it emits must reach the sink ahead of the barrier, since the journal
        // won't have it any more.
        events.drain();
        partials.flush(inFlight.requests());
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        journal.write(inFlight.requests());
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        watermarks.hold(mark.getTimestamp(), inFlight.nextSequence());
        releaseWatermarks();
    }

    @Override
    public void processWatermarkStatus(WatermarkStatus status) throws Exception {
        isIdleHeld = status.isIdle() && !inFlight.isEmpty();
        if (!isIdleHeld) {
            super.processWatermarkStatus(status);
        }
    }

    @Override
    public void close() throws Exception {
        events.close();
        cancels.close();
        EngineHost.Lease held = lease;
        lease = null;
        if (metricsEndpoint != null) {
            metricsEndpoint.close();
            metricsEndpoint = null;
        }
        if (flinkMetrics != null) {
            flinkMetrics.close();
        }
        try {
            for (InFlightRequest request : inFlight.requests()) {
                request.abandon();
            }
        } finally {
            try {
                if (held != null) {
                    held.close();
                }
            } finally {
                super.close();
            }
        }
    }

    private InFlightRequest admit(WireRecord record, long timestamp) {
        Prompt prompt = decoder.decode(record);
        EngineRequest request = validator.validate(prompt, record);
        flinkMetrics.unknownFields(prompt.unknownFields().size());
        Program program = validator.program(prompt, request.params());
        int numSamples = program == null ? request.params().n() : program.numParts();
        JournalEntry entry = JournalEntry.start(record, timestamp, model.hash(), request.params(), numSamples);
        return inFlightRequest(entry, prompt, request, program);
    }

    private static InFlightRequest inFlightRequest(
            JournalEntry entry, Prompt prompt, EngineRequest request, @Nullable Program program) {
        return new InFlightRequest(entry, prompt, request, program == null ? null : new RunningProgram(program, entry));
    }

    private void resume(List<JournalEntry> entries) {
        int keptTokens = 0;
        int lostTokens = 0;
        for (JournalEntry entry : entries) {
            boolean isSameModel = entry.modelHash().equals(model.hash());
            if (!isSameModel && !settings.isRestartOnModelChange()) {
                throw new ConfigException("request " + entry.record().source() + " was begun by model "
                        + entry.modelHash() + " but " + model.hash() + " is served: restore with that model, or start"
                        + " unfinished requests anew with --on-model-change=restart");
            }
            resume(entry, isSameModel);
            keptTokens += isSameModel ? entry.numTokens() : 0;
            lostTokens += isSameModel ? 0 : entry.numTokens();
        }
        flinkMetrics.resumed(keptTokens);
        if (!entries.isEmpty()) {
            LOG.info("{} requests go on with {} tokens kept", entries.size(), keptTokens);
        }
        if (lostTokens > 0) {
            LOG.warn("another model is served, {}: {} tokens of requests in flight are lost", model.hash(), lostTokens);
        }
    }

    private void resume(JournalEntry entry, boolean isSameModel) {
        try {
            if (isSameModel) {
                Prompt prompt = decoder.decode(entry.record());
                Program program = validator.program(prompt, entry.params());
                submit(inFlightRequest(entry, prompt, validator.resume(prompt, entry), program));
            } else {
                submit(admit(entry.record(), entry.elementTimestamp()));
            }
        } catch (RejectedException e) {
            // Limits were tightened meanwhile. A task mustn't emit while it opens; the event comes before any barrier.
            events.post(() -> emitDeadLetter(entry.record(), entry.elementTimestamp(), e));
        }
    }

    private void submit(InFlightRequest request) {
        inFlight.add(request);
        flinkMetrics.inFlight(inFlight);
        try {
            request.timed = withDeadline(request);
            if (request.program == null) {
                request.submitted(engine().submit(request.timed, listener(request, 0)));
            } else {
                beginParts(request, request.program);
                if (request.isDone()) { // what was restored needs no more; a task mustn't emit while it opens
                    events.post(() -> complete(request));
                }
            }
        } catch (RuntimeException e) {
            request.abandon();
            remove(request);
            throw e;
        }
        cancelIfAsked(request);
    }

    private EngineHost.Lease engine() {
        EngineHost.Lease held = lease;
        if (held == null) {
            throw new IllegalStateException("the operator is closed");
        }
        return held;
    }

    private void beginParts(InFlightRequest request, RunningProgram program) {
        for (Part part : program.takeReady()) {
            EngineRequest ofPart = program.request(part, request.timed);
            request.submitted(engine().submit(ofPart, listener(request, part.index())));
        }
    }

    /** {@code firstSample}: the journal's for sample 0. */
    private EngineListener listener(InFlightRequest request, int firstSample) {
        return new EngineListener() {
            @Override
            public void onEvent(EngineEvent event) {
                events.post(() -> onEngineEvent(request, firstSample, event));
            }

            @Override
            public void onEngineFailure(RuntimeException cause) {
                events.post(() -> {
                    throw cause; // fails the task; Flink restarts it and every request resumes from the journal
                });
            }
        };
    }

    /** Returns what the engine gets: a deadline counts from publishing, or from now if nobody knows when that was. */
    private EngineRequest withDeadline(InFlightRequest request) {
        Long deadlineMs = request.prompt.deadlineMs();
        if (deadlineMs == null || deadlineMs > MAX_DEADLINE_MS) {
            return request.request;
        }
        long now = getProcessingTimeService().getCurrentProcessingTime();
        long published = request.entry.record().timestamp;
        long leftMs = Math.max(0, deadlineMs + (published >= 0 ? published - now : 0)); // 0: it is late already
        long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(leftMs);
        return request.request.withTerms(request.request.terms().until(deadlineNanos));
    }

    private void cancelIfAsked(InFlightRequest request) {
        if (cancels.isCancelled(request.request.id(), request.entry.record().timestamp)) {
            request.cancel();
        }
    }

    private void cancel(String id) {
        for (InFlightRequest request : inFlight.requests()) {
            if (request.request.id().equals(id)) {
                cancelIfAsked(request);
            }
        }
    }

    private void onEngineEvent(InFlightRequest request, int firstSample, EngineEvent event) {
        if (!inFlight.contains(request)) {
            return; // over: rejected with other samples still on their way
        }
        if (event instanceof EngineEvent.Delta delta) {
            SampleProgress sample = request.entry.samples().get(firstSample + delta.sampleIndex());
            if (!sample.isDone()) {
                sample.append(delta);
                partials.append(request, delta);
            }
        } else if (event instanceof EngineEvent.Finished finished) {
            finish(request, firstSample + finished.sampleIndex(), finished);
        } else if (event instanceof EngineEvent.Scored scored) {
            if (request.program == null) {
                request.promptLogprobs = scored.logprobs();
            } else {
                request.entry.samples().get(firstSample).score(scored.logprobs());
            }
        } else if (event instanceof EngineEvent.Rejected rejected) {
            RejectedException cause = rejected.cause();
            reject(request, request.program == null ? cause : request.program.named(firstSample, cause));
        }
    }

    private void reject(InFlightRequest request, RejectedException cause) {
        remove(request);
        request.abandon(); // other parts of a program
        for (int i = 0; i < request.entry.samples().size(); i++) {
            partials.end(request, i, "error");
        }
        emitDeadLetter(request.entry.record(), request.entry.elementTimestamp(), cause);
        releaseWatermarks();
    }

    private void finish(InFlightRequest request, int index, EngineEvent.Finished finished) {
        SampleProgress sample = request.entry.samples().get(index);
        if (!sample.isDone()) { // a sample that was done before a failure keeps its first result
            sample.finish(finished);
            partials.end(request, index, finished.reason().wireName());
            flinkMetrics.success(finished.reason());
        }
        if (request.program != null) {
            try {
                request.program.finished(index);
                beginParts(request, request.program);
            } catch (RejectedException e) {
                reject(request, e);
                return;
            }
        }
        if (request.isDone()) {
            complete(request);
        }
    }

    private void complete(InFlightRequest request) {
        remove(request);
        JournalEntry entry = request.entry;
        try {
            output.collect(element(encoder.encode(request), entry.elementTimestamp()));
        } catch (RejectedException e) {
            emitDeadLetter(entry.record(), entry.elementTimestamp(), e);
        }
        releaseWatermarks();
    }

    private void remove(InFlightRequest request) {
        inFlight.remove(request);
        flinkMetrics.inFlight(inFlight);
    }

    private void emitDeadLetter(WireRecord record, long timestamp, RejectedException cause) {
        flinkMetrics.deadLetter(cause.stage());
        output.collect(
                DeadLetters.TAG, element(DeadLetters.of(record, cause, settings.maxCompletionBytes()), timestamp));
    }

    private void releaseWatermarks() {
        Long timestamp = watermarks.release(inFlight.oldestSequence());
        try {
            if (timestamp != null) {
                super.processWatermark(new Watermark(timestamp));
            }
            if (isIdleHeld && inFlight.isEmpty()) {
                isIdleHeld = false;
                super.processWatermarkStatus(WatermarkStatus.IDLE);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) { // the operator's border: whatever Flink throws fails the task
            throw new IllegalStateException("watermark " + timestamp + " can't be emitted", e);
        }
    }

    private static StreamRecord<WireRecord> element(WireRecord record, long timestamp) {
        return timestamp == JournalEntry.NO_TIMESTAMP
                ? new StreamRecord<>(record)
                : new StreamRecord<>(record, timestamp);
    }
}
