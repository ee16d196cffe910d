package io.millrace.job.dataset;

import io.millrace.engine.ConfigException;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.avro.AvroSchemaConverter;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;
import org.jspecify.annotations.Nullable;

/** The rows of one Parquet file; its compressed row groups are in memory one at a time. */
final class ParquetRows implements RowSource {
    private final ParquetReader<GenericRecord> reader;
    private final String name;
    private final long firstIndex;
    private long numRead;

    /**
     * Opens a file.
     *
     * @param name for messages and {@code file:row}
     * @param firstIndex index of its first row
     */
    ParquetRows(Path file, String name, long firstIndex) throws IOException {
        reader = AvroParquetReader.<GenericRecord>builder(new LocalInputFile(file), configuration())
                .withDataModel(GenericData.get())
                .withCodecFactory(new ParquetCodecs())
                .build();
        this.name = name;
        this.firstIndex = firstIndex;
    }

    private static ParquetConfiguration configuration() {
        ParquetConfiguration configuration = new PlainParquetConfiguration();
        configuration.setBoolean("parquet.avro.readInt96AsFixed", true); // old timestamps: base64 rather than a refusal
        return configuration;
    }

    @Override
    public @Nullable Row next() throws IOException {
        GenericRecord row = reader.read();
        if (row == null) {
            return null;
        }
        long index = firstIndex + numRead++;
        return new Row(index, name, numRead, AvroValues.toJson(row), null);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    /** Returns how many rows a file has, from its footer. */
    static long count(Path file) throws IOException {
        try (ParquetFileReader footer = footer(file)) {
            return footer.getRecordCount();
        }
    }

    /**
     * Returns a file's columns.
     *
     * @throws ConfigException if they can't be read
     */
    static Schema schema(Path file) throws IOException {
        try (ParquetFileReader footer = footer(file)) {
            return new AvroSchemaConverter(configuration())
                    .convert(footer.getFileMetaData().getSchema());
        } catch (IllegalArgumentException | UnsupportedOperationException e) {
            throw new ConfigException(file + " has a column that isn't read: " + e.getMessage(), e);
        }
    }

    private static ParquetFileReader footer(Path file) throws IOException {
        try {
            return ParquetFileReader.open(
                    new LocalInputFile(file),
                    ParquetReadOptions.builder(new PlainParquetConfiguration())
                            .withCodecFactory(new ParquetCodecs())
                            .build());
        } catch (RuntimeException e) { // parquet-hadoop's for "no magic number"
            throw new ConfigException(file + " is no Parquet file: " + e.getMessage(), e);
        }
    }
}
