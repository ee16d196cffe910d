package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecordIdTest {
    @Test
    void findsTheTopLevelId() {
        assertThat(find("{\"messages\":[{\"id\":\"inner\"}],\"id\":\"q-1\"}")).isEqualTo("q-1");
        assertThat(find("{\"custom_id\":\"b-1\",\"body\":{\"id\":\"inner\"}}")).isEqualTo("b-1");
        assertThat(find("{\"custom_id\":\"b-1\",\"id\":\"q-1\"}")).isEqualTo("q-1");
    }

    @Test
    void findsItBeforeTheBrokenPart() {
        assertThat(find("{\"id\":\"q-1\",\"messages\":[")).isEqualTo("q-1");
        assertThat(find("{\"custom_id\":\"b-1\",\"x\":" + "[".repeat(10_000))).isEqualTo("b-1");
    }

    @Test
    void thereMayBeNone() {
        assertThat(find("")).isNull();
        assertThat(find("[1]")).isNull();
        assertThat(find("{\"id\":7}")).isNull();
        assertThat(find("no json")).isNull();
        assertThat(RecordId.find(null)).isNull();
        assertThat(RecordId.find(new byte[] {(byte) 0xff, (byte) 0xfe})).isNull();
    }

    private static String find(String json) {
        return RecordId.find(json.getBytes(UTF_8));
    }
}
