package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;

/** A Parquet file, Zstandard pages. */
final class ParquetRowWriter implements RowWriter {
    /** Buffered before they are written, compressed; as large as a heap of 1 GiB has room for beside the engine. */
    private static final long ROW_GROUP_BYTES = 32L << 20;

    private final ParquetWriter<GenericRecord> writer;
    private final ParquetColumns columns;

    ParquetRowWriter(Path file, ParquetColumns columns) throws IOException {
        this.columns = columns;
        writer = AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
                .withSchema(columns.schema())
                .withConf(new PlainParquetConfiguration())
                .withDataModel(GenericData.get())
                .withCodecFactory(new ParquetCodecs())
                .withCompressionCodec(CompressionCodecName.ZSTD)
                .withRowGroupSize(ROW_GROUP_BYTES)
                .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
                .build();
    }

    @Override
    public void write(ObjectNode row) throws IOException {
        writer.write(columns.record(row));
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
