package io.millrace.operators;

import io.millrace.engine.RejectedException;
import io.millrace.engine.RejectedException.Stage;
import io.millrace.schemas.ContentType;
import io.millrace.schemas.Prompt;
import io.millrace.schemas.PromptAvro;
import io.millrace.schemas.PromptJson;
import io.millrace.schemas.WireException;
import io.millrace.schemas.WireLimits;
import java.nio.charset.StandardCharsets;

/** A record's bytes to a {@link Prompt}; the only place where a {@link WireException} becomes a rejection. Any thread. */
final class PromptDecoder {
    private final WireLimits limits;
    private final ContentType defaultContentType;
    private final boolean isStrict;

    PromptDecoder(BatchSettings settings) {
        this.limits = WireLimits.ofRequestBytes(settings.maxRequestBytes());
        this.defaultContentType = settings.defaultContentType();
        this.isStrict = settings.isStrict();
    }

    /**
     * Decodes a value with the codec that the record's last {@code content-type} header or else the settings say.
     *
     * @throws RejectedException of stage {@link Stage#DECODE}
     */
    Prompt decode(WireRecord record) {
        byte[] value = record.value;
        if (value == null) {
            throw rejected("value is null: send a prompt");
        }
        long numBytes = record.fullBytes >= 0 ? record.fullBytes : value.length;
        if (record.fullBytes >= 0 || numBytes > limits.maxRequestBytes()) {
            throw rejected("value has " + numBytes + " bytes but the limit is " + limits.maxRequestBytes()
                    + ": shorten it or raise max-request-bytes");
        }
        try {
            return switch (contentType(record)) {
                case JSON -> PromptJson.decode(value, limits, isStrict);
                case AVRO -> PromptAvro.decode(value, limits);
            };
        } catch (WireException e) {
            RejectedException rejected = rejected(String.valueOf(e.getMessage()));
            rejected.initCause(e);
            throw rejected;
        }
    }

    /** Returns which codec a record's value needs. */
    ContentType contentType(WireRecord record) throws WireException {
        WireRecord.Header header = record.header(ContentType.HEADER);
        if (header == null) {
            return defaultContentType;
        }
        return ContentType.ofHeader(header.value == null ? "" : new String(header.value, StandardCharsets.UTF_8));
    }

    private static RejectedException rejected(String message) {
        return new RejectedException(Stage.DECODE, false, message);
    }
}
