package io.millrace.operators;

import io.millrace.engine.EngineEvent;
import io.millrace.schemas.CompletionChunk;
import io.millrace.schemas.ContentType;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Collection;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * The text of requests with {@code stream: true} while it comes: the first piece of a choice at once, then one record per interval
 * with what came meanwhile, and a last one with the finish reason. Everything goes out ahead of a barrier, so that a request that
 * resumes from its journal goes on where its partials ended. Thread: the mailbox.
 */
public final class PartialEncoder {
    /** The side output. */
    public static final OutputTag<WireRecord> TAG = new OutputTag<>("partials", TypeInformation.of(WireRecord.class));

    /** What of one choice has come and isn't out yet. */
    static final class Pending {
        private final StringBuilder reasoning = new StringBuilder();
        private final StringBuilder content = new StringBuilder();
        private int reasoningOffset;
        private int contentOffset;
        private boolean hasSent;
        private long sentNanos;

        private boolean isEmpty() {
            return reasoning.length() == 0 && content.length() == 0;
        }
    }

    private final String modelName;
    private final long intervalNanos;
    private final LongSupplier nanos;
    private final Clock clock;
    private final BiConsumer<InFlightRequest, WireRecord> out;

    /**
     * Makes one.
     *
     * @param modelName of the served model
     * @param intervalNanos between two records of one choice at least; negative = no partials
     * @param nanos {@link System#nanoTime}
     * @param clock says when a piece is created
     * @param out takes a request's records
     */
    PartialEncoder(
            String modelName,
            long intervalNanos,
            LongSupplier nanos,
            Clock clock,
            BiConsumer<InFlightRequest, WireRecord> out) {
        this.modelName = modelName;
        this.intervalNanos = intervalNanos;
        this.nanos = nanos;
        this.clock = clock;
        this.out = out;
    }

    /** Takes new text of a choice. */
    void append(InFlightRequest request, EngineEvent.Delta delta) {
        Pending p = pending(request, delta.sampleIndex());
        if (p == null
                || (delta.reasoningDelta().isEmpty() && delta.contentDelta().isEmpty())) {
            return;
        }
        if (p.isEmpty()) {
            p.reasoningOffset = delta.reasoningOffset();
            p.contentOffset = delta.contentOffset();
        }
        p.reasoning.append(delta.reasoningDelta());
        p.content.append(delta.contentDelta());
        if (!p.hasSent || nanos.getAsLong() - p.sentNanos >= intervalNanos) {
            send(request, delta.sampleIndex(), p, null);
        }
    }

    /** Sends the last piece of a choice. */
    void end(InFlightRequest request, int sampleIndex, String finishReason) {
        Pending p = pending(request, sampleIndex);
        if (p != null) {
            send(request, sampleIndex, p, finishReason);
        }
    }

    /** Sends what has come; ahead of a barrier. */
    void flush(Collection<InFlightRequest> requests) {
        for (InFlightRequest request : requests) {
            for (int i = 0; i < request.partials.length; i++) {
                Pending p = pending(request, i);
                if (p != null && !p.isEmpty()) {
                    send(request, i, p, null);
                }
            }
        }
    }

    private @Nullable Pending pending(InFlightRequest request, int sampleIndex) {
        return intervalNanos < 0 || request.partials.length == 0 ? null : request.partials[sampleIndex];
    }

    private void send(InFlightRequest request, int index, Pending p, @Nullable String finishReason) {
        CompletionChunk chunk = new CompletionChunk(
                request.request.id(),
                request.entry.record().source(),
                clock.instant().getEpochSecond(),
                modelName,
                index,
                p.reasoning.toString(),
                p.reasoningOffset,
                p.content.toString(),
                p.contentOffset,
                finishReason);
        p.reasoningOffset += p.reasoning.length();
        p.contentOffset += p.content.length();
        p.reasoning.setLength(0);
        p.content.setLength(0);
        p.hasSent = true;
        p.sentNanos = nanos.getAsLong();
        WireRecord record = new WireRecord();
        record.key = request.request.id().getBytes(StandardCharsets.UTF_8);
        record.value = chunk.encode();
        record.headers.add(new WireRecord.Header(
                ContentType.HEADER, ContentType.JSON.mimeType().getBytes(StandardCharsets.UTF_8)));
        out.accept(request, record);
    }
}
