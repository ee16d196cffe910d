package io.millrace.job.dataset;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * One row of the input.
 *
 * @param index from 0, over all input files in order
 * @param file name of its file, relative to the input folder
 * @param line line or row number in that file, from 1
 * @param columns its values by name; null if it can't be read
 * @param problem why it can't be read; null if it can
 */
record Row(
        long index,
        String file,
        long line,
        @Nullable ObjectNode columns,
        @Nullable String problem) {

    /** Returns {@code file:line}. */
    String place() {
        return file + ":" + line;
    }
}
