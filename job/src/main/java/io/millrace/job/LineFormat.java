package io.millrace.job;

import io.millrace.operators.WireRecord;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.ArrayResultIterator;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a file as records: raw bytes, blank lines left out, each with its line number. A line above the limit keeps its
 * beginning only, so that no input can take memory without bound. After a failure the file is read from its start and the records
 * seen before are skipped: line numbers need that.
 */
public final class LineFormat implements BulkFormat<WireRecord, FileSourceSplit> {
    private static final long serialVersionUID = 1L;
    private static final int BATCH_LINES = 32;
    private static final int BATCH_BYTES = 256 << 10;

    private final String root;
    private final int maxLineBytes;

    /**
     * Makes one.
     *
     * @param root records are named by their file's path below this folder
     * @param maxLineBytes bytes of a line that are kept
     */
    public LineFormat(String root, int maxLineBytes) {
        this.root = root;
        this.maxLineBytes = maxLineBytes;
    }

    @Override
    public Reader createReader(Configuration config, FileSourceSplit split) throws IOException {
        return reader(split.path(), 0);
    }

    @Override
    public Reader restoreReader(Configuration config, FileSourceSplit split) throws IOException {
        return reader(
                split.path(),
                split.getReaderPosition()
                        .map(CheckpointedPosition::getRecordsAfterOffset)
                        .orElse(0L));
    }

    private Reader reader(Path path, long numSkipped) throws IOException {
        String name = path.getPath().startsWith(root) ? path.getPath().substring(root.length()) : path.getName();
        InputStream in = new BufferedInputStream(path.getFileSystem().open(path), 1 << 16);
        Reader reader = new Reader(new LineReader(in, name, maxLineBytes), numSkipped);
        for (long i = 0; i < numSkipped && reader.lines.next() != null; i++) {
            // these were emitted before the failure
        }
        return reader;
    }

    @Override
    public boolean isSplittable() {
        return false;
    }

    @Override
    public TypeInformation<WireRecord> getProducedType() {
        return TypeInformation.of(WireRecord.class);
    }

    /** A few lines at a time. Thread: the source's fetcher. */
    public static final class Reader implements BulkFormat.Reader<WireRecord> {
        private final LineReader lines;
        private long numRead;

        private Reader(LineReader lines, long numRead) {
            this.lines = lines;
            this.numRead = numRead;
        }

        @Override
        public @Nullable RecordIterator<WireRecord> readBatch() throws IOException {
            WireRecord[] batch = new WireRecord[BATCH_LINES];
            int count = 0;
            int bytes = 0;
            while (count < BATCH_LINES && bytes < BATCH_BYTES) {
                WireRecord line = lines.next();
                if (line == null) {
                    break;
                }
                batch[count++] = line;
                bytes += line.value == null ? 0 : line.value.length;
            }
            if (count == 0) {
                return null;
            }
            ArrayResultIterator<WireRecord> iterator = new ArrayResultIterator<>();
            iterator.set(batch, count, CheckpointedPosition.NO_OFFSET, numRead);
            numRead += count;
            return iterator;
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }
}
