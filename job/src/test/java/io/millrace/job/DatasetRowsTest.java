package io.millrace.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.operators.WireRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetRowsTest {
    @TempDir
    Path folder;

    @Test
    void putsRowsOfAllPartsIntoTheOrderOfTheInput() throws IOException {
        Path parts = Files.createDirectory(folder.resolve("parts"));
        Files.write(parts.resolve("part-0"), rows(row("b", 1, "b1"), row("a", 10, "a10"), row("a", 2, "a2 \u00e9")));
        Files.write(parts.resolve("part-1"), rows(row("a", 1, ""), row("b", 3, "b\tx")));
        Files.write(parts.resolve(".part-2.inprogress"), rows(row("a", 99, "not final")));
        Path output = Files.writeString(folder.resolve("out.jsonl"), "old");

        long count = DatasetRows.assemble(parts, List.of("a", "b"), output);

        assertThat(count).isEqualTo(5);
        assertThat(output).hasContent("\na2 \u00e9\na10\nb1\nb\tx");
        assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void noPartsMakeAnEmptyOutput() throws IOException {
        Path output = folder.resolve("out.jsonl");

        assertThat(DatasetRows.assemble(folder.resolve("none"), List.of("a"), output))
                .isZero();
        assertThat(output).isEmptyFile();
    }

    @Test
    void twoRowsForOneLineAreABug() throws IOException {
        Path parts = Files.createDirectory(folder.resolve("parts"));
        Files.write(parts.resolve("part-0"), rows(row("a", 1, "x"), row("a", 1, "x")));

        assertThatThrownBy(() -> DatasetRows.assemble(parts, List.of("a"), folder.resolve("out")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a line 1 was answered twice");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void aBadRowSaysWhereWhatAndWhy() throws IOException {
        WireRecord r = row("in.jsonl", 7, "{\"id\":\"q\",");
        header(r, "stage", "decode");
        header(r, "class", "io.millrace.schemas.WireException");
        header(r, "message", "it \"ends\" early");
        header(r, "retriable", "false");

        JsonNode json = error(r);

        assertThat(json.fieldNames())
                .toIterable()
                .containsExactly("line", "id", "stage", "class", "message", "retriable", "original_base64", "file");
        assertThat(json.path("line").asLong()).isEqualTo(7);
        assertThat(json.path("id").asText()).isEqualTo("q");
        assertThat(json.path("stage").asText()).isEqualTo("decode");
        assertThat(json.path("class").asText()).isEqualTo("io.millrace.schemas.WireException");
        assertThat(json.path("message").asText()).isEqualTo("it \"ends\" early");
        assertThat(json.path("retriable").isBoolean()).isTrue();
        assertThat(json.path("original_base64").binaryValue()).isEqualTo(r.value);
    }

    @Test
    void aBadRowWithoutIdIsNamedByItsPlaceAndAShortenedOneSaysSo() throws IOException {
        WireRecord r = row("in.jsonl", 7, "nonsense");
        header(r, "truncated", "9000000");

        JsonNode json = error(r);

        assertThat(json.path("id").asText()).isEqualTo("in.jsonl:7");
        assertThat(json.path("original_bytes").asLong()).isEqualTo(9_000_000);
    }

    private static JsonNode error(WireRecord r) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        DatasetRows.writeError(r, out);
        String row = out.toString(UTF_8);
        assertThat(row).startsWith(r.topic + "\t" + r.offset + "\t{").endsWith("}\n");
        return new ObjectMapper().readTree(row.substring(row.indexOf('{')));
    }

    private static void header(WireRecord r, String name, String value) {
        r.headers.add(new WireRecord.Header("__llm.errors." + name, value.getBytes(UTF_8)));
    }

    private static byte[] rows(WireRecord... rows) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (WireRecord r : rows) {
            DatasetRows.writeCompletion(r, out);
        }
        return out.toByteArray();
    }

    private static WireRecord row(String file, long line, String value) {
        WireRecord r = new WireRecord();
        r.topic = file;
        r.offset = line;
        r.value = value.getBytes(UTF_8);
        return r;
    }
}
