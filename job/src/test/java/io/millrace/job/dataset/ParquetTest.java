package io.millrace.job.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.engine.ConfigException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.xerial.snappy.Snappy;

class ParquetTest {
    private static final Schema SCHEMA = SchemaBuilder.record("r")
            .fields()
            .requiredString("question")
            .optionalLong("id")
            .requiredFloat("weight")
            .requiredBoolean("hard")
            .requiredBytes("blob")
            .name("tags")
            .type()
            .array()
            .items()
            .stringType()
            .noDefault()
            .endRecord();

    @TempDir
    Path folder;

    private static GenericRecord row(int i) {
        GenericRecord row = new GenericData.Record(SCHEMA);
        row.put("question", "q" + i);
        row.put("id", i % 2 == 0 ? null : Long.valueOf(1L << 60 | i));
        row.put("weight", 0.1f + i);
        row.put("hard", i % 3 == 0);
        row.put("blob", ByteBuffer.wrap(new byte[] {(byte) i, -1}));
        row.put("tags", List.of("a", "b" + i));
        return row;
    }

    private Path write(String name, CompressionCodecName codec, int count) throws IOException {
        Path file = folder.resolve(name);
        ParquetCodecs ours = new ParquetCodecs();
        try (ParquetWriter<GenericRecord> writer = AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
                .withSchema(SCHEMA)
                .withConf(new PlainParquetConfiguration())
                .withDataModel(GenericData.get())
                .withCodecFactory(new TestCodecs(ours))
                .withCompressionCodec(codec)
                .withRowGroupSize(2000L)
                .build()) {
            for (int i = 0; i < count; i++) {
                writer.write(row(i));
            }
        }
        return file;
    }

    @ParameterizedTest
    @EnumSource(names = {"UNCOMPRESSED", "ZSTD", "SNAPPY", "GZIP"})
    void readsAllTypesAndCodecs(CompressionCodecName codec) throws IOException {
        Path file = write("in.parquet", codec, 300);
        InputFiles input = InputFiles.of(folder);

        assertThat(input.countRows()).isEqualTo(300);
        try (RowSource rows = input.open(1000)) {
            for (int i = 0; i < 300; i++) {
                Row row = rows.next();
                assertThat(row).isNotNull();
                assertThat(row.index()).isEqualTo(i);
                assertThat(row.place()).isEqualTo(file.getFileName() + ":" + (i + 1));
                if (i == 3) {
                    assertThat(row.columns())
                            .hasToString("{\"question\":\"q3\",\"id\":1152921504606846979,\"weight\":3.1,\"hard\":true,"
                                    + "\"blob\":\"A/8=\",\"tags\":[\"a\",\"b3\"]}");
                } else if (i == 4) {
                    assertThat(row.columns().toString()).contains("\"id\":null");
                }
            }
            assertThat(rows.next()).isNull();
        }
    }

    @Test
    void anotherCodecIsRefused() {
        assertThatThrownBy(() -> new ParquetCodecs()
                        .getDecompressor(CompressionCodecName.LZ4_RAW)
                        .decompress(BytesInput.from(new byte[3]), 9))
                .hasMessageContaining("LZ4_RAW, which isn't read: write the file with ZSTD");
    }

    @Test
    void theRowsColumnsKeepTheirTypes() throws IOException {
        Path file = write("in.parquet", CompressionCodecName.ZSTD, 2);
        DataFormat format = InputFiles.of(file).format(true);
        RowResult result;
        try (RowSource rows = InputFiles.of(file).open(0)) {
            rows.next();
            Row row = rows.next();
            result = new RowResult(1, "f", 2, "f:2", "p", null, row.columns(), List.of(), null, false);
        }
        Sample sample = new Sample(3, Long.MIN_VALUE, "stop", null, "c", 4, 5);
        ObjectNode data = OutputRows.sample(result, new JudgedSample(sample, true, true, "1", null));
        Path out = folder.resolve("out.parquet");
        try (RowWriter writer = format.writers().open(out)) {
            writer.write((ObjectNode) RowJson.MAPPER.readTree(data.toString())); // as the journal gives it back
        }

        Schema schema = ParquetRows.schema(out);
        assertThat(type(schema, "source_id")).isEqualTo(Schema.Type.LONG);
        assertThat(type(schema, "weight")).isEqualTo(Schema.Type.FLOAT);
        assertThat(type(schema, "tags")).isEqualTo(Schema.Type.STRING);
        assertThat(type(schema, "seed")).isEqualTo(Schema.Type.LONG);
        try (RowSource rows = InputFiles.of(out).open(0)) {
            assertThat(rows.next().columns())
                    .hasToString("{\"question\":\"q1\",\"source_id\":1152921504606846977,\"weight\":1.1,\"hard\":false,"
                            + "\"blob\":\"Af8=\",\"tags\":\"[\\\"a\\\",\\\"b1\\\"]\",\"id\":\"f:2\",\"prompt\":\"p\","
                            + "\"reasoning\":null,\"completion\":\"c\",\"answer\":null,\"extracted\":\"1\","
                            + "\"attempt\":3,\"seed\":-9223372036854775808,\"finish_reason\":\"stop\","
                            + "\"prompt_tokens\":4,\"completion_tokens\":5}");
        }
    }

    private static Schema.Type type(Schema schema, String field) {
        return schema.getField(field).schema().getTypes().get(1).getType();
    }

    @Test
    void rowsFromJsonlAreOneColumn() throws IOException {
        Path in = Files.writeString(folder.resolve("in.jsonl"), "{\"q\":1.50,\"id\":7}\n");
        Path out = folder.resolve("x");
        ObjectNode columns;
        try (RowSource rows = InputFiles.of(in).open(1000)) {
            columns = rows.next().columns();
        }
        RowResult row = new RowResult(0, "f", 1, "i", "p", null, columns, List.of(), null, false);
        Sample sample = new Sample(0, 1, "stop", null, "c", 1, 1);
        try (RowWriter writer = InputFiles.of(in).format(true).writers().open(out)) {
            writer.write(OutputRows.sample(row, new JudgedSample(sample, true, true, null, null)));
        }
        try (ParquetRows rows = new ParquetRows(out, "x", 0)) {
            ObjectNode read = rows.next().columns();
            assertThat(read.path("row").textValue()).isEqualTo("{\"q\":1.50,\"source_id\":7}");
            assertThat(read.path("id").textValue()).isEqualTo("i");
        }
    }

    @Test
    void whatDoesntFitTogetherIsRefused() throws IOException {
        write("a.parquet", CompressionCodecName.ZSTD, 1);
        Files.writeString(folder.resolve("b.jsonl"), "{}\n");
        assertThatThrownBy(() -> InputFiles.of(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("has both *.jsonl and *.parquet files");

        Path none = Files.writeString(folder.resolve("none.parquet"), "no magic, but long enough for a footer");
        assertThatThrownBy(() -> InputFiles.of(none).countRows())
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("none.parquet is no Parquet file");
    }

    /** Writes the codecs that ours only reads, by their own libraries. */
    private record TestCodecs(ParquetCodecs ours) implements CompressionCodecFactory {
        @Override
        public BytesInputCompressor getCompressor(CompressionCodecName codec) {
            if (codec == CompressionCodecName.ZSTD || codec == CompressionCodecName.UNCOMPRESSED) {
                return ours.getCompressor(codec);
            }
            return new BytesInputCompressor() {
                @Override
                public BytesInput compress(BytesInput page) throws IOException {
                    byte[] bytes = page.toByteArray();
                    if (codec == CompressionCodecName.SNAPPY) {
                        return BytesInput.from(Snappy.compress(bytes));
                    }
                    ByteArrayOutputStream out = new ByteArrayOutputStream();
                    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
                        gzip.write(bytes);
                    }
                    return BytesInput.from(out.toByteArray());
                }

                @Override
                public CompressionCodecName getCodecName() {
                    return codec;
                }

                @Override
                public void release() {}
            };
        }

        @Override
        public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
            return ours.getDecompressor(codec);
        }

        @Override
        public void release() {}
    }
}
