package io.millrace.operators;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineEvent;
import io.millrace.engine.EngineEvent.SampleStats;
import io.millrace.engine.FinishReason;
import io.millrace.engine.SamplingParams;
import io.millrace.engine.TokenLogprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A {@link JournalEntry} as bytes, version 1, big-endian:
 *
 * <pre>
 * i32 magic "MRJ1" · i32 version · body · i32 CRC-32C of all before it
 * body:   record · i64 elementTimestamp · str modelHash · params · i32 count, samples
 * record: str topic · i32 partition · i64 offset · i64 timestamp · bytes? key · bytes? value · i64 fullBytes · i32 count, (str · bytes?) headers
 * params: in the order of {@link SamplingParams}; f64 for doubles, logit_bias ascending by id
 * sample: ints tokenIds · i32 count, (ints · f32s) logprobs · u8 hasResult [· str reason · str? reasoning · str? content · str text
 *         · i32 reasoningTokens · ints promptTokenIds · i32 cached, kept, regenerated · i64 ttftNanos, totalNanos]
 * </pre>
 *
 * Draft counts aren't kept: they are zero for what had finished before a restore. A string is its number of chars and then each char in 1 to 3 bytes, so that any Java string comes back. {@code ?} = a u8 first, 0
 * = null. Counts are checked against the bytes that are left before anything is allocated. Any thread.
 */
final class JournalSerializer {
    /** The version that is written. */
    static final int VERSION = 1;

    private static final int MAGIC = 0x4D524A31; // "MRJ1"
    private static final int FRAME_BYTES = 3 * Integer.BYTES;

    private JournalSerializer() {}

    static byte[] encode(JournalEntry entry) {
        JournalOutput out = new JournalOutput();
        out.writeInt(MAGIC);
        out.writeInt(VERSION);
        writeRecord(out, entry.record());
        out.writeLong(entry.elementTimestamp());
        out.writeString(entry.modelHash());
        writeParams(out, entry.params());
        out.writeInt(entry.samples().size());
        for (SampleProgress sample : entry.samples()) {
            writeSample(out, sample);
        }
        return out.finish();
    }

    /**
     * Reads an entry of any version so far.
     *
     * @throws ConfigException if the bytes are damaged or of a newer version
     */
    static JournalEntry decode(byte[] bytes) {
        if (bytes.length < FRAME_BYTES) {
            throw damaged(bytes, "it is shorter than its frame of " + FRAME_BYTES + " bytes");
        }
        JournalInput in = new JournalInput(bytes, bytes.length - Integer.BYTES);
        int magic = in.readInt();
        if (magic != MAGIC) {
            throw damaged(
                    bytes,
                    "it begins with " + Integer.toHexString(magic) + " instead of " + Integer.toHexString(MAGIC));
        }
        int version = in.readInt();
        if (version != VERSION) {
            throw new ConfigException("journal entry has version " + version + " but this release reads version "
                    + VERSION + ": restore with the release that wrote it, or a newer one");
        }
        int expected = new JournalInput(bytes, bytes.length)
                .skip(bytes.length - Integer.BYTES)
                .readInt();
        int actual = checksum(bytes, bytes.length - Integer.BYTES);
        if (expected != actual) {
            throw damaged(
                    bytes,
                    "its checksum is " + Integer.toHexString(actual) + " instead of " + Integer.toHexString(expected));
        }
        try {
            JournalEntry entry = readEntry(in);
            if (in.remaining() != 0) {
                throw damaged(bytes, in.remaining() + " bytes follow its end");
            }
            return entry;
        } catch (JournalInput.DamagedException e) {
            throw damaged(bytes, String.valueOf(e.getMessage()));
        }
    }

    static int checksum(byte[] bytes, int numBytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, numBytes);
        return (int) crc.getValue();
    }

    private static ConfigException damaged(byte[] bytes, String why) {
        return new ConfigException(
                "journal entry of " + bytes.length + " bytes is damaged, " + why + ": restore from another checkpoint");
    }

    private static JournalEntry readEntry(JournalInput in) {
        WireRecord record = readRecord(in);
        long elementTimestamp = in.readLong();
        String modelHash = in.readString();
        SamplingParams params = readParams(in);
        int numSamples = in.readCount(9);
        List<SampleProgress> samples = new ArrayList<>(numSamples);
        for (int i = 0; i < numSamples; i++) {
            samples.add(readSample(in, i));
        }
        return new JournalEntry(record, elementTimestamp, modelHash, params, samples);
    }

    private static void writeRecord(JournalOutput out, WireRecord record) {
        out.writeString(record.topic);
        out.writeInt(record.partition);
        out.writeLong(record.offset);
        out.writeLong(record.timestamp);
        out.writeNullableBytes(record.key);
        out.writeNullableBytes(record.value);
        out.writeLong(record.fullBytes);
        out.writeInt(record.headers.size());
        for (WireRecord.Header header : record.headers) {
            out.writeString(header.name);
            out.writeNullableBytes(header.value);
        }
    }

    private static WireRecord readRecord(JournalInput in) {
        WireRecord record = new WireRecord();
        record.topic = in.readString();
        record.partition = in.readInt();
        record.offset = in.readLong();
        record.timestamp = in.readLong();
        record.key = in.readNullableBytes();
        record.value = in.readNullableBytes();
        record.fullBytes = in.readLong();
        int numHeaders = in.readCount(5);
        for (int i = 0; i < numHeaders; i++) {
            record.headers.add(new WireRecord.Header(in.readString(), in.readNullableBytes()));
        }
        return record;
    }

    private static void writeParams(JournalOutput out, SamplingParams p) {
        out.writeInt(p.maxTokens());
        out.writeInt(p.minTokens());
        out.writeDouble(p.temperature());
        out.writeDouble(p.topP());
        out.writeInt(p.topK());
        out.writeDouble(p.minP());
        out.writeDouble(p.presencePenalty());
        out.writeDouble(p.frequencyPenalty());
        out.writeDouble(p.repetitionPenalty());
        out.writeLong(p.seed());
        out.writeInt(p.n());
        out.writeInt(p.stop().size());
        p.stop().forEach(out::writeString);
        out.writeInts(p.stopTokenIds().stream().mapToInt(Integer::intValue).toArray());
        out.writeBoolean(p.ignoreEos());
        out.writeInt(p.logitBias().size());
        for (Map.Entry<Integer, Double> bias : new TreeMap<>(p.logitBias()).entrySet()) {
            out.writeInt(bias.getKey());
            out.writeDouble(bias.getValue());
        }
        out.writeInt(p.topLogprobs());
    }

    private static SamplingParams readParams(JournalInput in) {
        return new SamplingParams(
                in.readInt(),
                in.readInt(),
                in.readDouble(),
                in.readDouble(),
                in.readInt(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readLong(),
                in.readInt(),
                readStrings(in),
                Arrays.stream(in.readInts()).boxed().toList(),
                in.readBoolean(),
                readBiases(in),
                in.readInt());
    }

    private static List<String> readStrings(JournalInput in) {
        int count = in.readCount(Integer.BYTES);
        List<String> strings = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            strings.add(in.readString());
        }
        return strings;
    }

    private static Map<Integer, Double> readBiases(JournalInput in) {
        int count = in.readCount(Integer.BYTES + Double.BYTES);
        Map<Integer, Double> biases = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            biases.put(in.readInt(), in.readDouble());
        }
        return biases;
    }

    private static void writeSample(JournalOutput out, SampleProgress sample) {
        out.writeInts(sample.tokenIds());
        out.writeInt(sample.logprobs().size());
        for (TokenLogprobs t : sample.logprobs()) {
            out.writeInts(t.ids());
            out.writeFloats(t.logprobs());
        }
        EngineEvent.Finished result = sample.result();
        out.writeBoolean(result != null);
        if (result != null) {
            writeResult(out, result);
        }
    }

    private static SampleProgress readSample(JournalInput in, int sampleIndex) {
        int[] tokenIds = in.readInts();
        int numLogprobs = in.readCount(2 * Integer.BYTES);
        List<TokenLogprobs> logprobs = new ArrayList<>(numLogprobs);
        for (int i = 0; i < numLogprobs; i++) {
            logprobs.add(new TokenLogprobs(in.readInts(), in.readFloats()));
        }
        return new SampleProgress(tokenIds, logprobs, in.readBoolean() ? readResult(in, sampleIndex, tokenIds) : null);
    }

    private static void writeResult(JournalOutput out, EngineEvent.Finished result) {
        out.writeString(result.reason().wireName());
        out.writeNullableString(result.reasoning());
        out.writeNullableString(result.content());
        out.writeString(result.text());
        out.writeInt(result.reasoningTokens());
        SampleStats stats = result.stats();
        out.writeInts(stats.promptTokenIds());
        out.writeInt(stats.cachedTokens());
        out.writeInt(stats.keptTokens());
        out.writeInt(stats.regeneratedTokens());
        out.writeLong(stats.ttftNanos());
        out.writeLong(stats.totalNanos());
    }

    private static EngineEvent.Finished readResult(JournalInput in, int sampleIndex, int[] tokenIds) {
        FinishReason reason = reason(in.readString());
        @Nullable String reasoning = in.readNullableString();
        @Nullable String content = in.readNullableString();
        String text = in.readString();
        int reasoningTokens = in.readInt();
        SampleStats stats = new SampleStats(
                in.readInts(), in.readInt(), in.readInt(), in.readInt(), 0, 0, in.readLong(), in.readLong());
        return new EngineEvent.Finished(
                sampleIndex, reason, reasoning, content, text, tokenIds, reasoningTokens, stats);
    }

    private static FinishReason reason(String wireName) {
        for (FinishReason reason : FinishReason.values()) {
            if (reason.wireName().equals(wireName)) {
                return reason;
            }
        }
        throw new JournalInput.DamagedException(
                "a finish reason of " + wireName.length() + " characters is none that this release knows");
    }
}
