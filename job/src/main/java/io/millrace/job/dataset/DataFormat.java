package io.millrace.job.dataset;

import java.io.IOException;
import java.nio.file.Path;

/**
 * How data files are written.
 *
 * @param suffix of their names, with the dot
 * @param writers opens one
 */
record DataFormat(String suffix, Writers writers) {
    static final DataFormat JSONL = new DataFormat(".jsonl", JsonlWriter::new);

    /** Opens data files. */
    @FunctionalInterface
    interface Writers {
        RowWriter open(Path file) throws IOException;
    }

    static DataFormat parquet(ParquetColumns columns) {
        return new DataFormat(InputFiles.PARQUET, file -> new ParquetRowWriter(file, columns));
    }
}
