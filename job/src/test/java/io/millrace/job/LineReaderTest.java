package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.operators.WireRecord;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineReaderTest {
    @Test
    void keepsBytesAndLineNumbersAndSkipsBlankLines() throws IOException {
        List<WireRecord> lines = read("a\n\n  \t\r\nb\r\n\u00e9 \nlast".getBytes(UTF_8), 100);

        assertThat(lines).extracting(r -> r.offset).containsExactly(1L, 4L, 5L, 6L);
        assertThat(lines).extracting(r -> new String(r.value, UTF_8)).containsExactly("a", "b", "\u00e9 ", "last");
        assertThat(lines).extracting(WireRecord::source).startsWith("f:1", "f:4");
        assertThat(lines).allSatisfy(r -> {
            assertThat(r.partition).isEqualTo(-1);
            assertThat(r.key).isNull();
            assertThat(r.fullBytes).isEqualTo(-1);
        });
    }

    @Test
    void bytesThatAreNoTextPassUntouched() throws IOException {
        byte[] bytes = {(byte) 0xff, 0, (byte) 0xfe, '\n', 'x'};

        assertThat(read(bytes, 100).get(0).value).containsExactly(0xff, 0, 0xfe);
    }

    @Test
    void keepsOnlyTheBeginningOfALongLine() throws IOException {
        List<WireRecord> lines = read(("x".repeat(10_000) + "\n" + "y".repeat(8) + "\n").getBytes(UTF_8), 8);

        assertThat(lines.get(0).value).hasSize(8);
        assertThat(lines.get(0).fullBytes).isEqualTo(10_000);
        assertThat(lines.get(1).value).hasSize(8);
        assertThat(lines.get(1).fullBytes).isEqualTo(-1);
        assertThat(lines.get(1).offset).isEqualTo(2);
    }

    @Test
    void anEmptyFileHasNoLines() throws IOException {
        assertThat(read(new byte[0], 8)).isEmpty();
        assertThat(read("\n\n".getBytes(UTF_8), 8)).isEmpty();
    }

    private static List<WireRecord> read(byte[] bytes, int maxLineBytes) throws IOException {
        List<WireRecord> lines = new ArrayList<>();
        try (LineReader reader = new LineReader(new ByteArrayInputStream(bytes), "f", maxLineBytes)) {
            for (WireRecord r = reader.next(); r != null; r = reader.next()) {
                lines.add(r);
            }
        }
        return lines;
    }
}
