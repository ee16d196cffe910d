package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes the files of a shard from its journal, one row in memory at a time. Thread: the run's. */
final class ShardFiles {
    private final OutputFolder folder;
    private final DataFormat format;
    private final double dedup;
    private final boolean isKeepRejected;

    /**
     * Makes it.
     *
     * @param format of the data; bad rows and rejected samples are always JSONL
     * @param dedup similarity from which a sample is left out as a near-duplicate of an earlier one of the shard, 0 = none is
     * @param isKeepRejected whether samples that aren't accepted get files too
     */
    ShardFiles(OutputFolder folder, DataFormat format, double dedup, boolean isKeepRejected) {
        this.dedup = dedup;
        this.format = format;
        this.folder = folder;
        this.isKeepRejected = isKeepRejected;
    }

    /** Writes a shard's files anew, whatever an earlier run left of them. */
    ShardEntry write(int shard, long firstRow, ShardJournal journal) throws IOException {
        Tally tally = new Tally();
        NearDuplicates duplicates = dedup > 0 ? new NearDuplicates(dedup) : null;
        try (OutputFile data = new OutputFile(name("data", shard, format), format, true);
                OutputFile errors = new OutputFile(name("errors", shard, DataFormat.JSONL), DataFormat.JSONL, false);
                OutputFile rejected =
                        new OutputFile(name("rejected", shard, DataFormat.JSONL), DataFormat.JSONL, false)) {
            journal.forEach(journaled -> {
                RowResult row = duplicates == null ? journaled : journaled.without(duplicates);
                tally.add(row, journaled);
                RowError error = row.error();
                if (error != null) {
                    errors.write(OutputRows.error(row, error));
                }
                for (JudgedSample s : row.samples()) {
                    if (s.isAccepted()) {
                        data.write(OutputRows.sample(row, s));
                    } else if (isKeepRejected) {
                        rejected.write(OutputRows.rejected(row, s));
                    }
                }
            });
            FileEntry dataEntry = data.publish();
            if (dataEntry == null) {
                throw new IllegalStateException("the data file is always there");
            }
            return new ShardEntry(
                    shard, firstRow, journal.numRows(), dataEntry, errors.publish(), rejected.publish(), tally);
        }
    }

    private static String name(String kind, int shard, DataFormat format) {
        return String.format(Locale.ROOT, "%s-%05d%s", kind, shard, format.suffix());
    }

    /** A file of the output that is there when it is whole; without rows only if it must be. */
    private final class OutputFile implements AutoCloseable {
        private final String name;
        private final DataFormat.Writers writers;
        private final Path temporary;
        private @Nullable RowWriter writer;
        private long numRows;

        OutputFile(String name, DataFormat format, boolean isAlways) throws IOException {
            this.name = name;
            this.writers = format.writers();
            this.temporary = folder.temporary(name);
            if (isAlways) {
                writer = writers.open(temporary);
            }
        }

        void write(ObjectNode row) throws IOException {
            if (writer == null) {
                writer = writers.open(temporary);
            }
            writer.write(row);
            numRows++;
        }

        @Nullable
        FileEntry publish() throws IOException {
            if (writer == null) {
                return null;
            }
            writer.close();
            writer = null;
            return FileEntry.of(folder.publish(temporary, name), numRows);
        }

        @Override
        public void close() throws IOException {
            if (writer != null) {
                writer.close();
            }
        }
    }
}
