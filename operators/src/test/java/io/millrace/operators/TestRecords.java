package io.millrace.operators;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.engine.Parallelism;
import io.millrace.schemas.CompletionJson;
import io.millrace.schemas.ContentType;
import io.millrace.schemas.WireException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Records and settings of the tests. */
final class TestRecords {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private TestRecords() {}

    static BatchSettings settings(int maxInFlightRequests, long maxInFlightBytes) {
        return settings(maxInFlightRequests, maxInFlightBytes, 4096, false);
    }

    static BatchSettings settings(
            int maxInFlightRequests, long maxInFlightBytes, int maxRequestBytes, boolean isRestartOnModelChange) {
        return new BatchSettings(
                "/no/model",
                "cpu",
                1,
                8,
                64,
                0,
                0,
                true,
                0,
                Parallelism.NONE,
                "",
                maxInFlightRequests,
                maxInFlightBytes,
                maxRequestBytes,
                64 << 10,
                ContentType.JSON,
                false,
                null,
                isRestartOnModelChange,
                ServingSettings.PLAIN);
    }

    /** A prompt on topic "prompts", partition 3; {@code fields} are further fields of the JSON, for instance {@code ,"n":2}. */
    static WireRecord prompt(String id, long offset, String fields) {
        return record(offset, "{\"id\":\"" + id + "\",\"prompt\":\"hello\"" + fields + "}");
    }

    static WireRecord record(long offset, String value) {
        WireRecord record = new WireRecord();
        record.topic = "prompts";
        record.partition = 3;
        record.offset = offset;
        record.timestamp = 1_700_000_000_000L + offset;
        record.key = ("key-" + offset).getBytes(StandardCharsets.UTF_8);
        record.value = value.getBytes(StandardCharsets.UTF_8);
        record.headers.add(new WireRecord.Header("traceparent", new byte[] {1, 2, 3}));
        return record;
    }

    static StreamRecord<WireRecord> element(WireRecord record) {
        return new StreamRecord<>(record, record.timestamp);
    }

    static JsonNode json(WireRecord record) {
        try {
            return MAPPER.readTree(record.value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A completion without what may differ between runs. */
    static String comparable(WireRecord completion) {
        try {
            return new String(CompletionJson.comparable(completion.value), StandardCharsets.UTF_8);
        } catch (WireException e) {
            throw new IllegalStateException(e);
        }
    }

    static String header(WireRecord record, String name) {
        WireRecord.Header header = record.header(name);
        return header == null || header.value == null ? null : new String(header.value, StandardCharsets.UTF_8);
    }

    static int[] tokenIds(JsonNode completion, int choice) {
        JsonNode ids = completion.get("choices").get(choice).get("token_ids");
        int[] array = new int[ids.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = ids.get(i).asInt();
        }
        return array;
    }
}
