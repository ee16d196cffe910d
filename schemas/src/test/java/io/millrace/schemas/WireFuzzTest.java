package io.millrace.schemas;

import com.code_intelligence.jazzer.junit.FuzzTest;

/**
 * Whatever the bytes, a prompt or a {@link WireException} comes out. Without {@code JAZZER_FUZZ=1} the inputs in {@code
 * src/test/resources} are tried: seeds, and what was once found.
 */
class WireFuzzTest {
    @FuzzTest(maxDuration = "10m")
    void promptJson(byte[] value) {
        try {
            PromptJson.decode(value, WireLimits.DEFAULT, value.length % 2 == 1);
        } catch (WireException e) {
            check(e, value);
        }
    }

    /** The other form that {@link PromptJson} reads, begun rightly so that the fuzzer needn't find it. */
    @FuzzTest(maxDuration = "10m")
    void batchLine(byte[] body) {
        byte[] head = PromptJsonTest.utf8(
                "{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":");
        byte[] value = new byte[head.length + body.length];
        System.arraycopy(head, 0, value, 0, head.length);
        System.arraycopy(body, 0, value, head.length, body.length);
        promptJson(value);
    }

    @FuzzTest(maxDuration = "10m")
    void promptAvro(byte[] value) {
        try {
            PromptAvro.decode(value, WireLimits.DEFAULT);
        } catch (WireException e) {
            check(e, value);
        }
    }

    @FuzzTest(maxDuration = "10m")
    void completion(byte[] value) {
        try {
            CompletionJson.decode(value);
        } catch (WireException e) {
            check(e, value);
        }
        try {
            CompletionAvro.decode(value);
        } catch (WireException e) {
            check(e, value);
        }
    }

    private static void check(WireException e, byte[] value) {
        if (e.getMessage().length() > 600 || e.offset() < -1 || e.offset() > value.length) {
            throw new AssertionError("a message too long or an offset outside the value: " + e.offset(), e);
        }
    }
}
