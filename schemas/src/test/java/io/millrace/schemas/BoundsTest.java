package io.millrace.schemas;

import static io.millrace.schemas.PromptJsonTest.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The largest allowed records, each the worst for one part: work and memory stay in proportion to the bytes. */
class BoundsTest {
    private static final int BYTES = WireLimits.DEFAULT.maxRequestBytes();
    private static final int MAX_ALLOCATED_PER_BYTE = 64;
    /** CPU time of a cold JVM; quadratic work takes minutes. */
    private static final Duration MAX_TIME = Duration.ofSeconds(2);

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static Stream<Arguments> worst() {
        return Stream.of(
                Arguments.of("token ids", repeat("{\"prompt\":[1", ",1", "]}")),
                Arguments.of("stop strings", repeat("{\"prompt\":\"\",\"stop\":[\"\"", ",\"\"", "]}")),
                Arguments.of("stop ids", repeat("{\"prompt\":\"\",\"stop_token_ids\":[1", ",1", "]}")),
                Arguments.of("escapes", repeat("{\"prompt\":\"", "\\ud83d\\ude00", "\"}")),
                Arguments.of("text", repeat("{\"prompt\":\"", "😀", "\"}")),
                Arguments.of(
                        "parts",
                        repeat(
                                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"}",
                                ",{\"type\":\"text\",\"text\":\"\"}",
                                "]}]}")),
                Arguments.of(
                        "messages",
                        repeat(
                                "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}",
                                ",{\"role\":\"user\",\"content\":\"" + "x".repeat(225) + "\"}",
                                "]}")),
                Arguments.of(
                        "too many messages",
                        repeat(
                                "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}",
                                ",{\"role\":\"user\",\"content\":\"\"}",
                                "]}")),
                Arguments.of("unknown array", repeat("{\"prompt\":\"\",\"u\":[0", ",0", "]}")),
                Arguments.of("unknown objects", repeat("{\"prompt\":\"\",\"u\":[{}", ",{\"a\":{}}", "]}")),
                Arguments.of("unknown names", names()),
                Arguments.of(
                        "unknown part fields",
                        repeat(
                                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"}",
                                ",{\"type\":\"text\",\"text\":\"\",\"a\":1,\"b\":2}",
                                "]}]}")),
                Arguments.of("nothing", repeat("{\"prompt\":\"\"", " ", "}")));
    }

    private static byte[] repeat(String start, String item, String end) {
        int times = (BYTES - utf8(start + end).length) / utf8(item).length;
        return utf8(start + item.repeat(times) + end);
    }

    private static byte[] names() {
        StringBuilder json = new StringBuilder("{\"prompt\":\"\"");
        for (int i = 0; json.length() < BYTES - 20; i++) {
            json.append(",\"").append(Integer.toString(i, 36)).append("\":0");
        }
        return utf8(json.append('}').toString());
    }

    private interface Work {
        void run() throws WireException;
    }

    /** Runs it and returns its bytes allocated; a {@link WireException} is as good an end as any. */
    private static long allocated(Work work) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        try {
            work.run();
        } catch (WireException e) {
            assertThat(e.getMessage().length()).isLessThan(600);
        }
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("worst")
    void largestRecords(String name, byte[] json) {
        assertThat(json.length).isBetween(BYTES * 9 / 10, BYTES);
        long start = THREADS.getCurrentThreadCpuTime();

        long bytes = allocated(() -> PromptJson.decode(json, WireLimits.DEFAULT, false));

        assertThat(Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start)).isLessThan(MAX_TIME);
        assertThat(bytes / json.length).as("allocated a byte of input").isLessThan(MAX_ALLOCATED_PER_BYTE);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("worst")
    void largestAvroRecords(String name, byte[] json) {
        byte[] avro;
        try {
            avro = PromptAvro.encode(PromptJson.decode(json, WireLimits.DEFAULT, false));
        } catch (WireException e) {
            return; // "too many messages" has no prompt
        }
        long start = THREADS.getCurrentThreadCpuTime();

        long bytes = allocated(() -> PromptAvro.decode(avro, WireLimits.DEFAULT));

        assertThat(Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start)).isLessThan(MAX_TIME);
        assertThat(bytes).as("allocated").isLessThan((long) MAX_ALLOCATED_PER_BYTE * avro.length + 100_000);
    }

    /** A count of 2³¹ items or bytes in a record of 30 bytes. */
    @ParameterizedTest
    @MethodSource("announced")
    void whatIsAnnouncedIsNotAllocated(String rest) throws WireException {
        byte[] header = PromptAvro.encode(PromptJson.decode(utf8("{\"prompt\":\"\"}"), WireLimits.DEFAULT, false));
        byte[] tail = HexFormat.of().parseHex(rest);
        byte[] value = Arrays.copyOf(header, 10 + tail.length);
        System.arraycopy(tail, 0, value, 10, tail.length);

        assertThat(allocated(() -> PromptAvro.decode(value, WireLimits.DEFAULT)))
                .isLessThan(100_000);
    }

    static Stream<String> announced() {
        return Stream.of("02feffffff0f", "000002feffffff0f", "0000000002feffffff0f", "0000000002fdffffff0f00");
    }
}
