package io.millrace.job.dataset;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A shard that is written, as the manifest says it.
 *
 * @param shard number, from 0
 * @param firstRow index of its first input row
 * @param numRows input rows
 * @param data accepted samples
 * @param errors bad rows, null = none
 * @param rejected samples that weren't accepted, null = none or not asked for
 * @param tally what happened in it
 */
record ShardEntry(
        int shard,
        long firstRow,
        long numRows,
        FileEntry data,
        @Nullable FileEntry errors,
        @Nullable FileEntry rejected,
        Tally tally) {

    /** Returns its files. */
    List<FileEntry> files() {
        List<FileEntry> files = new ArrayList<>();
        files.add(data);
        if (errors != null) {
            files.add(errors);
        }
        if (rejected != null) {
            files.add(rejected);
        }
        return files;
    }
}
