package io.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.ConfigException;
import io.millrace.engine.EngineEvent.Finished;
import io.millrace.engine.FinishReason;
import io.millrace.engine.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class JournalSerializerTest {
    @Test
    void everyFieldComesBack() {
        assertHalfDone(JournalSerializer.decode(JournalSerializer.encode(JournalSamples.halfDone())));
        assertStarted(JournalSerializer.decode(JournalSerializer.encode(JournalSamples.started())));
    }

    @Test
    void equalEntriesAreEqualBytes() {
        assertThat(JournalSerializer.encode(JournalSamples.halfDone()))
                .isEqualTo(JournalSerializer.encode(JournalSamples.halfDone()));
        byte[] bytes = JournalSerializer.encode(JournalSamples.halfDone());
        assertThat(JournalSerializer.encode(JournalSerializer.decode(bytes))).isEqualTo(bytes);
    }

    @Test
    void readsVersion1() throws IOException {
        assertHalfDone(JournalSerializer.decode(resource("journal-v1-half-done.bin")));
        assertStarted(JournalSerializer.decode(resource("journal-v1-started.bin")));
    }

    @Test
    void writesWhatVersion1Wrote() throws IOException {
        assertThat(JournalSerializer.encode(JournalSamples.halfDone())).isEqualTo(resource("journal-v1-half-done.bin"));
    }

    @Test
    void largeStringsAndArraysComeBack() {
        JournalEntry entry = JournalSamples.halfDone();
        entry.record().value = new byte[1 << 20];
        new SplittableRandom(1).nextBytes(entry.record().value);
        String text = "abc€🤔".repeat(50_000);
        int[] tokens = new SplittableRandom(2).ints(100_000).toArray();
        Finished old = entry.samples().get(0).result();
        SampleProgress sample = new SampleProgress(
                tokens, List.of(), new Finished(0, FinishReason.STOP, null, text, text, tokens, 0, old.stats()));
        JournalEntry large = new JournalEntry(entry.record(), 0, "h", entry.params(), List.of(sample));
        JournalEntry read = JournalSerializer.decode(JournalSerializer.encode(large));
        assertThat(read.record().value).isEqualTo(entry.record().value);
        assertThat(read.samples().get(0).tokenIds()).isEqualTo(tokens);
        assertThat(read.samples().get(0).result().content()).isEqualTo(text);
    }

    @Test
    void aFlippedByteIsNoticedWhereverItIs() {
        byte[] good = JournalSerializer.encode(JournalSamples.halfDone());
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] ^= 0x10;
            assertThatThrownBy(() -> JournalSerializer.decode(bad)).isInstanceOf(ConfigException.class);
        }
    }

    @Test
    void aCutEntryIsNoticedWhereverItEnds() {
        byte[] good = JournalSerializer.encode(JournalSamples.halfDone());
        for (int length = 0; length < good.length; length++) {
            byte[] bad = Arrays.copyOf(good, length);
            assertThatThrownBy(() -> JournalSerializer.decode(bad))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("restore from another checkpoint");
        }
    }

    /** With the right checksum, so that only the bounds stand between a wrong count and its allocation. */
    @Test
    void noCountIsBelievedThatTheBytesCannotHold() {
        byte[] good = JournalSerializer.encode(JournalSamples.halfDone());
        for (int i = 8; i < good.length - 8; i++) {
            byte[] bad = good.clone();
            ByteBuffer.wrap(bad).putInt(i, 0x7FFFFFF0);
            try {
                JournalSerializer.decode(sealed(bad)); // some fields may have any value
            } catch (ConfigException e) {
                assertThat(e).hasMessageContaining("is damaged");
            }
        }
        byte[] hugeTopic = good.clone();
        ByteBuffer.wrap(hugeTopic).putInt(8, 0x7FFFFFF0);
        assertThatThrownBy(() -> JournalSerializer.decode(sealed(hugeTopic)))
                .hasMessageContaining("count 2147483632 before byte 12 exceeds the " + (good.length - 16));
    }

    @Test
    void aNewerVersionIsRefusedWithAWayOut() {
        byte[] newer = JournalSerializer.encode(JournalSamples.started());
        ByteBuffer.wrap(newer).putInt(4, 2);
        assertThatThrownBy(() -> JournalSerializer.decode(sealed(newer)))
                .isInstanceOf(ConfigException.class)
                .hasMessage(
                        "journal entry has version 2 but this release reads version 1: restore with the release that"
                                + " wrote it, or a newer one");
    }

    private static byte[] sealed(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - 4);
        ByteBuffer.wrap(bytes).putInt(bytes.length - 4, (int) crc.getValue());
        return bytes;
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = JournalSerializerTest.class.getResourceAsStream("/compat/" + name)) {
            assertThat(in).as(name).isNotNull();
            return in.readAllBytes();
        }
    }

    private static void assertStarted(JournalEntry entry) {
        WireRecord record = entry.record();
        assertThat(record.topic).isEqualTo("prompts.jsonl");
        assertThat(record.partition).isEqualTo(-1);
        assertThat(record.offset).isEqualTo(17);
        assertThat(record.timestamp).isEqualTo(-1);
        assertThat(record.key).isNull();
        assertThat(record.value).asString().isEqualTo("{\"prompt\":\"x\"}");
        assertThat(record.fullBytes).isEqualTo(-1);
        assertThat(record.headers).hasSize(1);
        assertThat(record.headers.get(0).value).isNull();
        assertThat(entry.elementTimestamp()).isEqualTo(JournalEntry.NO_TIMESTAMP);
        assertThat(entry.modelHash()).isEmpty();
        assertThat(entry.params().maxTokens()).isEqualTo(SamplingParams.REST_OF_CONTEXT);
        assertThat(entry.params().topLogprobs()).isEqualTo(-1);
        assertThat(entry.samples()).hasSize(1);
        assertThat(entry.samples().get(0).numTokens()).isZero();
        assertThat(entry.samples().get(0).isDone()).isFalse();
    }

    private static void assertHalfDone(JournalEntry entry) {
        WireRecord record = entry.record();
        assertThat(record.source()).isEqualTo("llm.prompts-5-1099511627776");
        assertThat(record.timestamp).isEqualTo(1_700_000_000_123L);
        assertThat(record.key).containsExactly(0, -1, 127);
        assertThat(new String(record.value, StandardCharsets.UTF_8)).isEqualTo("{\"prompt\":\"héllo\"}");
        assertThat(record.headers).extracting(h -> h.name).containsExactly("traceparent", "größe");
        assertThat(record.headers.get(0).value).asString().isEqualTo("00-ab");
        assertThat(record.headers.get(1).value).isEmpty();
        assertThat(entry.elementTimestamp()).isEqualTo(1_700_000_000_456L);
        assertThat(entry.modelHash()).isEqualTo("c0ffee");
        assertThat(entry.params())
                .isEqualTo(new SamplingParams(
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
                        1));
        assertThat(entry.samples()).hasSize(2);
        SampleProgress open = entry.samples().get(1);
        assertThat(open.tokenIds()).containsExactly(80);
        assertThat(open.result()).isNull();
        assertThat(open.logprobs()).hasSize(1);
        assertThat(open.logprobs().get(0).ids()).containsExactly(70, 72);
        assertThat(open.logprobs().get(0).logprobs()).containsExactly(-0.5f, Float.NEGATIVE_INFINITY);
        Finished result = entry.samples().get(0).result();
        assertThat(result.sampleIndex()).isZero();
        assertThat(result.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(result.reasoning()).isEqualTo("think 🤔");
        assertThat(result.content()).isNull();
        assertThat(result.text()).isEqualTo("text \uD83D half");
        assertThat(result.tokenIds()).containsExactly(70, 71);
        assertThat(result.reasoningTokens()).isEqualTo(2);
        assertThat(result.stats().promptTokenIds()).containsExactly(0, 300, 128_803);
        assertThat(result.stats().cachedTokens()).isEqualTo(1);
        assertThat(result.stats().keptTokens()).isEqualTo(2);
        assertThat(result.stats().regeneratedTokens()).isEqualTo(3);
        assertThat(result.stats().ttftNanos()).isEqualTo(4_000_000_000L);
        assertThat(result.stats().totalNanos()).isEqualTo(5_000_000_000L);
    }
}
