package io.millrace.operators;

import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.EngineEvent.SampleStats;
import io.millrace.engine.FinishReason;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.TokenLogprobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Journal entries of the tests, and the writer of the compatibility files. Run {@link #main} with the folder {@code
 * src/test/resources/compat} once per new version of {@link JournalSerializer}; files of older versions are never written again.
 */
final class JournalSamples {
    private JournalSamples() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        String version = "journal-v" + JournalSerializer.VERSION;
        Files.write(folder.resolve(version + "-started.bin"), JournalSerializer.encode(started()));
        Files.write(folder.resolve(version + "-half-done.bin"), JournalSerializer.encode(halfDone()));
    }

    /** Nothing generated; everything nullable is null. */
    static JournalEntry started() {
        WireRecord record = new WireRecord();
        record.topic = "prompts.jsonl";
        record.offset = 17;
        record.value = "{\"prompt\":\"x\"}".getBytes(StandardCharsets.UTF_8);
        record.headers.add(new WireRecord.Header("empty", null));
        SamplingParams params = new SamplingParams(
                SamplingParams.REST_OF_CONTEXT,
                0,
                1.0,
                1.0,
                0,
                0,
                0,
                0,
                1,
                -1,
                1,
                List.of(),
                List.of(),
                false,
                Map.of(),
                -1);
        return JournalEntry.start(record, JournalEntry.NO_TIMESTAMP, "", params);
    }

    /** Two samples, one finished; every field has a value of its own. */
    static JournalEntry halfDone() {
        WireRecord record = new WireRecord();
        record.topic = "llm.prompts";
        record.partition = 5;
        record.offset = 1L << 40;
        record.timestamp = 1_700_000_000_123L;
        record.key = new byte[] {0, -1, 127};
        record.value = "{\"prompt\":\"héllo\"}".getBytes(StandardCharsets.UTF_8);
        record.headers.add(new WireRecord.Header("traceparent", "00-ab".getBytes(StandardCharsets.UTF_8)));
        record.headers.add(new WireRecord.Header("größe", new byte[0]));
        SamplingParams params = new SamplingParams(
                100,
                2,
                0.6,
                0.95,
                40,
                0.05,
                0.25,
                -0.5,
                1.1,
                Long.MIN_VALUE + 7,
                2,
                List.of("\n\n", "停"),
                List.of(1, 128_805),
                true,
                Map.of(9, -1.5, 3, 2.5),
                1);
        SampleStats stats = new SampleStats(new int[] {0, 300, 128_803}, 1, 2, 3, 0, 0, 4_000_000_000L, 5_000_000_000L);
        Finished result = new Finished(
                0, FinishReason.LENGTH, "think 🤔", null, "text \uD83D half", new int[] {70, 71}, 2, stats);
        List<TokenLogprobs> logprobs = List.of(
                new TokenLogprobs(new int[] {70, 72}, new float[] {-0.5f, Float.NEGATIVE_INFINITY}),
                new TokenLogprobs(new int[] {71, 71}, new float[] {-0.25f, -0.25f}));
        SampleProgress finished = new SampleProgress(new int[] {70, 71}, logprobs, result);
        SampleProgress open = new SampleProgress(new int[] {80}, logprobs.subList(0, 1), null);
        return new JournalEntry(record, 1_700_000_000_456L, "c0ffee", params, List.of(finished, open));
    }
}
