package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Damaged records: whatever the bytes, a prompt or a {@link WireException} comes out, and nothing else. */
class MutationTest {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Duration MAX_TIME = Duration.ofSeconds(10); // CPU time

    private static final int ROUNDS = 20_000;
    private static final List<String> JSON = List.of(
            PromptJsonTest.EVERYTHING,
            "{\"id\":\"r\",\"prompt\":\"<think>é😀\\ud83d\\ude00\",\"raw\":true,\"n\":1,\"seed\":-1,\"x\":[{\"y\":1e3}]}",
            "{\"prompt\":[1,2,2147483647],\"max_tokens\":12}",
            "{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\","
                    + "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}}");

    /** What a byte flip alone would seldom make. */
    private static final List<byte[]> PIECES = List.of(
            utf8("{"),
            utf8("["),
            utf8("}"),
            utf8("]"),
            utf8("\""),
            utf8("\\ud800"),
            utf8("null"),
            utf8("1e999"),
            utf8(",\"n\":"),
            utf8("99999999999"),
            utf8("0.5"),
            new byte[] {0},
            new byte[] {(byte) 0xff},
            HexFormat.of().parseHex("feffffff0f"),
            HexFormat.of().parseHex("ffffffffffffffffff01"));

    private interface Decoder {
        Prompt decode(byte[] value) throws WireException;
    }

    /** Returns how many of the damaged records were still prompts. */
    private static int survivors(List<byte[]> seeds, Decoder decoder) {
        SplittableRandom random = new SplittableRandom(20260101);
        int survivors = 0;
        for (int i = 0; i < ROUNDS; i++) {
            byte[] value = seeds.get(random.nextInt(seeds.size()));
            for (int k = random.nextInt(3); k >= 0; k--) {
                value = mutate(value, random);
            }
            try {
                survivors += decoder.decode(value).sampling() != null ? 1 : 0;
            } catch (WireException e) {
                if (e.getMessage().length() > 600 || e.offset() < -1 || e.offset() > value.length) {
                    throw new AssertionError(
                            "round " + i + ": " + HexFormat.of().formatHex(value), e);
                }
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("round " + i + ": " + HexFormat.of().formatHex(value), e);
            }
        }
        return survivors;
    }

    private static byte[] mutate(byte[] value, SplittableRandom random) {
        if (value.length == 0) {
            return value;
        }
        int at = random.nextInt(value.length);
        int end = Math.min(value.length, at + 1 + random.nextInt(40));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(value, 0, at);
        switch (random.nextInt(6)) {
            case 0 -> { // a bit
                out.write(value[at] ^ 1 << random.nextInt(8));
                at++;
            }
            case 1 -> { // a byte
                out.write(random.nextInt(256));
                at++;
            }
            case 2 -> at = value.length; // truncation
            case 3 -> out.write(value, at, end - at); // duplication
            case 4 -> at = end; // deletion
            default -> out.writeBytes(PIECES.get(random.nextInt(PIECES.size()))); // insertion
        }
        out.write(value, at, value.length - at);
        return out.toByteArray();
    }

    @Test
    void damagedJsonIsAPromptOrAWireException() {
        List<byte[]> seeds = JSON.stream().map(PromptJsonTest::utf8).toList();
        long start = THREADS.getCurrentThreadCpuTime();

        int survivors = survivors(seeds, value -> PromptJson.decode(value, WireLimits.DEFAULT, false));

        assertThat(Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start)).isLessThan(MAX_TIME);
        assertThat(survivors).isBetween(ROUNDS / 50, ROUNDS / 2); // the damage is neither too weak nor too strong
    }

    @Test
    void damagedAvroIsAPromptOrAWireException() throws WireException {
        List<byte[]> seeds = new ArrayList<>();
        for (String json : JSON) {
            seeds.add(PromptAvro.encode(PromptJsonTest.decode(json)));
        }
        long start = THREADS.getCurrentThreadCpuTime();

        int survivors = survivors(seeds, value -> PromptAvro.decode(value, WireLimits.DEFAULT));

        assertThat(Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start)).isLessThan(MAX_TIME);
        assertThat(survivors).isBetween(ROUNDS / 50, ROUNDS / 2);
    }

    @Test
    void damagedCompletionsAreCompletionsOrWireExceptions() throws WireException {
        Completion full = Completions.full(Prompt.Form.BATCH);
        Prompt any = PromptJsonTest.decode("{\"prompt\":\"x\"}");
        survivors(List.of(CompletionJson.encode(full)), value -> {
            CompletionJson.decode(value);
            return any;
        });
        survivors(List.of(CompletionAvro.encode(full)), value -> {
            CompletionAvro.decode(value);
            return any;
        });
    }
}
